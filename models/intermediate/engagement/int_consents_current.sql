-- One row per customer_key and purpose that was ever decided: the state at the as-of date.
with consents as (

    select * from {{ ref('stg_crm__consents') }} where rejection_reason is null

),

identities as (

    select * from {{ ref('ml_customer_identities') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

-- The latest decision of each record wins; at the same instant a withdrawal beats a grant.
ranked as (

    select
        identities.customer_key,
        identities.record_id,
        consents.purpose,
        consents.status,
        consents.recorded_at,
        row_number() over (
            partition by identities.record_id, consents.purpose
            order by
                consents.recorded_at desc,
                case when consents.status = 'withdrawn' then 0 else 1 end,
                consents.consent_event_id asc
        ) as recency_rank
    from consents
    inner join identities on 'id:' || consents.customer_id = identities.record_id
    cross join as_of
    -- A withdrawal counts as soon as it is known, a grant from the as-of date on.
    where consents.recorded_at < as_of.as_of_date or consents.status = 'withdrawn'

),

-- A person with several records is as protected as the most protective of them.
final as (

    select
        customer_key,
        purpose,
        bool_and(status = 'granted') as is_granted,
        max(recorded_at) as decided_at
    from ranked
    where recency_rank = 1
    group by customer_key, purpose

)

select * from final
