-- One row per customer_key that is not in use any more and whose records all went to one other.
with remembered as (

    select * from {{ ref('ml_record_keys') }}

),

identities as (

    select * from {{ ref('ml_customer_identities') }}

),

keys_in_use as (

    select distinct customer_key from identities

),

final as (

    select
        remembered.customer_key as old_customer_key,
        min(identities.customer_key) as customer_key
    from remembered
    inner join identities on remembered.record_key = identities.record_key
    left join keys_in_use on remembered.customer_key = keys_in_use.customer_key
    where keys_in_use.customer_key is null
    group by remembered.customer_key
    having count(distinct identities.customer_key) = 1

)

select * from final
