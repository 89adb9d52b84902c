-- A row here is a member of an audience who did not agree to its purpose, or who withdrew, by the
-- CRM or by the link in a mail. The decisions are read where they came in, and not from the flags
-- of customers. Do not hand the audience out.
with decided as (

    select
        customer_id,
        purpose,
        status,
        recorded_at
    from {{ ref('stg_crm__consents') }}
    where rejection_reason is null

    union all

    select
        customer_id,
        'email_marketing' as purpose,
        'withdrawn' as status,
        event_at as recorded_at
    from {{ ref('stg_email__events') }}
    where event_name = 'unsubscribe' and rejection_reason is null

),

purposes as (

    select distinct purpose from {{ ref('audiences') }}

),

set_aside as (

    select
        customer_id,
        purpose,
        recorded_at,
        rejection_reason
    from {{ ref('stg_crm__consents') }}
    where rejection_reason is not null and coalesce(status, 'unknown') <> 'granted'

    union all

    select
        customer_id,
        'email_marketing' as purpose,
        event_at as recorded_at,
        rejection_reason
    from {{ ref('stg_email__events') }}
    where event_name = 'unsubscribe' and rejection_reason is not null

),

decisions as (

    select
        identities.customer_key,
        identities.record_id,
        decided.purpose,
        decided.status,
        decided.recorded_at
    from decided
    inner join {{ ref('ml_customer_identities') }} as identities
        on 'id:' || decided.customer_id = identities.record_id

    union all

    -- What was set aside and is no grant: without a date that can be true no grant undoes it.
    select
        identities.customer_key,
        identities.record_id,
        purposes.purpose,
        'withdrawn' as status,
        case
            when set_aside.rejection_reason not in ('unreadable_date', 'implausible_date')
                then set_aside.recorded_at
        end as recorded_at
    from set_aside
    inner join {{ ref('ml_customer_identities') }} as identities
        on
            {{ fold_number('set_aside.customer_id') }}
            = {{ fold_number('substr(identities.record_id, 4)') }}
            and identities.record_id like 'id:%'
    inner join purposes
        on
            set_aside.purpose = purposes.purpose
            or coalesce(set_aside.purpose, 'unknown')
            not in ('email_marketing', 'profiling', 'ad_targeting')

),

refusals as (

    select distinct
        withdrawals.customer_key,
        withdrawals.purpose
    from decisions as withdrawals
    cross join {{ ref('int_as_of_date') }} as as_of
    left join decisions as regrants
        on
            withdrawals.record_id = regrants.record_id
            and withdrawals.purpose = regrants.purpose
            and regrants.status = 'granted'
            and withdrawals.recorded_at < regrants.recorded_at
            and as_of.as_of_date > regrants.recorded_at
    where withdrawals.status = 'withdrawn' and regrants.record_id is null

),

agreements as (

    select distinct
        decisions.customer_key,
        decisions.purpose
    from decisions
    cross join {{ ref('int_as_of_date') }} as as_of
    where decisions.status = 'granted' and decisions.recorded_at < as_of.as_of_date

)

select
    members.audience,
    members.customer_key
from {{ ref('audience_members') }} as members
inner join {{ ref('audiences') }} as audiences on members.audience = audiences.audience
left join agreements
    on
        members.customer_key = agreements.customer_key
        and audiences.purpose = agreements.purpose
left join refusals
    on
        members.customer_key = refusals.customer_key
        and audiences.purpose = refusals.purpose
where agreements.customer_key is null or refusals.customer_key is not null
