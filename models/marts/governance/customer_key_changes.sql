-- One row per old customer_key and the present key of a record that once had it.
with remembered as (

    select * from {{ ref('ml_record_keys') }}

),

identities as (

    select * from {{ ref('ml_customer_identities') }}

),

-- Each record leads from any key it ever had straight to its present one: chains need no following.
moved as (

    select
        remembered.customer_key as old_customer_key,
        identities.customer_key as new_customer_key,
        identities.record_key,
        present.assigned_on
    from remembered
    inner join identities on remembered.record_key = identities.record_key
    inner join remembered as present
        on
            identities.record_key = present.record_key
            and identities.customer_key = present.customer_key
    where remembered.customer_key <> identities.customer_key

),

keys_in_use as (

    select distinct customer_key from identities

),

-- An old key whose records went to several persons, or that lives on, was split.
counted as (

    select
        old_customer_key,
        new_customer_key,
        count(*) as records,
        max(assigned_on) as changed_on,
        count(*) over (partition by old_customer_key) as successors
    from moved
    group by old_customer_key, new_customer_key

),

final as (

    select
        counted.old_customer_key,
        counted.new_customer_key,
        case
            when counted.successors > 1 or keys_in_use.customer_key is not null then 'split'
            else 'merged'
        end as change_type,
        cast(counted.records as bigint) as records,
        counted.changed_on
    from counted
    left join keys_in_use on counted.old_customer_key = keys_in_use.customer_key

)

select * from final
