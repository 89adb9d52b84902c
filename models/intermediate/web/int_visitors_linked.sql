-- One row per visitor (cookie) that was seen logged in: whose it is, and since when that is known.
with events as (

    select * from {{ ref('stg_web__events') }}
    where rejection_reason is null and customer_id is not null

),

identities as (

    select * from {{ ref('ml_customer_identities') }}

),

final as (

    select
        events.visitor_id,
        -- A cookie seen with two people belongs to neither.
        case
            when count(distinct identities.customer_key) = 1 then min(identities.customer_key)
        end as customer_key,
        count(distinct identities.customer_key) as people,
        min(events.event_at) as linked_at
    from events
    inner join identities on 'id:' || events.customer_id = identities.record_id
    group by events.visitor_id

)

select * from final
