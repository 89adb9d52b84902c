-- One row per customer_key that is not in use any more and whose records all went to one other.
with remembered as (

    select * from {{ ref('ml_record_keys') }}

),

identities as (

    select * from {{ ref('ml_customer_identities') }}

),

final as (

    select
        remembered.customer_key as old_customer_key,
        min(identities.customer_key) as customer_key
    from remembered
    inner join identities on remembered.record_key = identities.record_key
    where remembered.customer_key not in (select customer_key from identities)
    group by remembered.customer_key
    having count(distinct identities.customer_key) = 1

)

select * from final
