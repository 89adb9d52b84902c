-- A row here is a person with a score, a segment or a figure of conduct whose present consent
-- forbids it. The consents are read where they came in, and not from may_be_profiled: a mistake in
-- the flag must not hide itself. Do not publish; find out why the person was let through.
with decisions as (

    select
        identities.customer_key,
        identities.record_id,
        consents.status,
        consents.recorded_at
    from {{ ref('stg_crm__consents') }} as consents
    inner join {{ ref('ml_customer_identities') }} as identities
        on 'id:' || consents.customer_id = identities.record_id
    where consents.purpose = 'profiling' and consents.rejection_reason is null

    union all

    -- What was set aside and is no grant: without a date that can be true no grant undoes it.
    select
        identities.customer_key,
        identities.record_id,
        'withdrawn' as status,
        case
            when consents.rejection_reason not in ('unreadable_date', 'implausible_date')
                then consents.recorded_at
        end as recorded_at
    from {{ ref('stg_crm__consents') }} as consents
    inner join {{ ref('ml_customer_identities') }} as identities
        on
            {{ fold_number('consents.customer_id') }}
            = {{ fold_number('substr(identities.record_id, 4)') }}
            and identities.record_id like 'id:%'
    where
        consents.rejection_reason is not null
        and coalesce(consents.purpose, 'unknown') not in ('email_marketing', 'ad_targeting')
        and coalesce(consents.status, 'unknown') <> 'granted'

),

-- A withdrawal stands until the same record regrants again, before the as-of date.
objections as (

    select distinct withdrawals.customer_key
    from decisions as withdrawals
    cross join {{ ref('int_as_of_date') }} as as_of
    left join decisions as regrants
        on
            withdrawals.record_id = regrants.record_id
            and regrants.status = 'granted'
            and withdrawals.recorded_at < regrants.recorded_at
            and as_of.as_of_date > regrants.recorded_at
    where withdrawals.status = 'withdrawn' and regrants.record_id is null

),

forbidden as (

    select customer_key from objections
    {% if var('profiling_basis') == 'consent' %}

        union

    select customers.customer_key
    from {{ ref('ml_customer_identities') }} as customers
    cross join {{ ref('int_as_of_date') }} as as_of
    left join decisions
        on
            customers.customer_key = decisions.customer_key
            and decisions.status = 'granted'
            and as_of.as_of_date > decisions.recorded_at
    where decisions.customer_key is null
    {% endif %}

),

profiled as (

    select
        'customer_scores' as mart,
        customer_key
    from {{ ref('customer_scores') }}

    union all

    select
        'customer_segments' as mart,
        customer_key
    from {{ ref('customer_segments') }}
    where
        segment_id <> -1
        or coalesce(membership_probability, purchase_probability, churn_probability) is not null

    union all

    select
        'customer_rfm' as mart,
        customer_key
    from {{ ref('customer_rfm') }}
    where rfm_segment <> 'Not profiled' or coalesce(r_score, recency_days) is not null

    union all

    select
        'customer_engagement' as mart,
        customer_key
    from {{ ref('customer_engagement') }}
    where
        lifecycle <> 'not_profiled'
        or coalesce(engagement_score, sessions, emails_delivered_365d) is not null

    union all

    select
        'customers' as mart,
        customers.customer_key
    from {{ ref('customers') }} as customers
    left join {{ ref('int_purchases_measured') }} as purchases
        on customers.customer_key = purchases.customer_key and purchases.cutoff_name = 'score'
    where
        coalesce(customers.area_median_income, customers.area_unemployment_rate) is not null
        or customers.last_seen_on > greatest(
            coalesce(purchases.last_purchased_on, customers.first_seen_on), customers.first_seen_on
        )

    union all

    select
        'audience_members' as mart,
        members.customer_key
    from {{ ref('audience_members') }} as members
    inner join {{ ref('audiences') }} as audiences on members.audience = audiences.audience
    where audiences.is_profiling

    union all

    select
        'ml_customer_clusters' as mart,
        customer_key
    from {{ ref('ml_customer_clusters') }}

    union all

    select
        'ml_propensity_scores' as mart,
        customer_key
    from {{ ref('ml_propensity_scores') }}

)

select
    profiled.mart,
    profiled.customer_key
from profiled
inner join forbidden on profiled.customer_key = forbidden.customer_key
