-- One row per visitor (cookie) that was seen logged in: whose it is, and since when that is known.
with visits as (

    select * from {{ ref('int_web_visits') }} where customer_id is not null

),

identities as (

    select * from {{ ref('ml_customer_identities') }}

),

final as (

    select
        visits.visitor_id,
        -- A cookie seen with two people belongs to neither.
        case
            when count(distinct identities.customer_key) = 1 then min(identities.customer_key)
        end as customer_key,
        count(distinct identities.customer_key) as people,
        min(visits.started_at) as linked_at
    from visits
    inner join identities on 'id:' || visits.customer_id = identities.record_id
    group by visits.visitor_id

)

select * from final
