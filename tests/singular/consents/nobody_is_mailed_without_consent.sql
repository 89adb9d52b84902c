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
