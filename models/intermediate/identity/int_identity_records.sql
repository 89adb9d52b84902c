-- One row per source record that stands for a person.
with crm_customers as (

    select * from {{ ref('stg_crm__customers') }} where rejection_reason is null

),

orders as (

    select * from {{ ref('stg_shop__orders') }} where rejection_reason is null

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

-- The shop may know customers the CRM does not deliver, or there may be no CRM at all.
shop_only_customers as (

    select
        orders.customer_id,
        min(orders.ordered_at) as first_seen_at
    from orders
    left join crm_customers on orders.customer_id = crm_customers.customer_id
    where orders.customer_id is not null and crm_customers.customer_id is null
    group by orders.customer_id

),

-- Who bought before was seen before, whenever the CRM got to make the record.
buyers_before_their_record as (

    select
        crm_customers.customer_id,
        min(orders.ordered_at) as first_seen_at
    from crm_customers
    inner join as_of on crm_customers.created_at >= as_of.as_of_date
    inner join orders on crm_customers.customer_id = orders.customer_id
    group by crm_customers.customer_id

),

guests as (

    select
        guest_email,
        min(ordered_at) as first_seen_at
    from orders
    where guest_email is not null
    group by guest_email

),

records as (

    select
        'id:' || crm_customers.customer_id as record_id,
        'crm.customers' as source_name,
        crm_customers.customer_id as source_record_id,
        crm_customers.email,
        crm_customers.phone,
        crm_customers.first_name,
        {{ fold_text('crm_customers.first_name') }} as first_name_folded,
        crm_customers.last_name,
        crm_customers.address,
        crm_customers.postcode,
        crm_customers.city,
        crm_customers.birth_on,
        coalesce(early.first_seen_at, crm_customers.created_at) as first_seen_at
    from crm_customers
    left join buyers_before_their_record as early
        on crm_customers.customer_id = early.customer_id

    union all

    select
        'id:' || customer_id as record_id,
        'shop.orders' as source_name,
        customer_id as source_record_id,
        cast(null as string) as email,
        cast(null as string) as phone,
        cast(null as string) as first_name,
        cast(null as string) as first_name_folded,
        cast(null as string) as last_name,
        cast(null as string) as address,
        cast(null as string) as postcode,
        cast(null as string) as city,
        cast(null as date) as birth_on,
        first_seen_at
    from shop_only_customers

    union all

    select
        'guest:' || guest_email as record_id,
        'shop.orders' as source_name,
        guest_email as source_record_id,
        guest_email as email,
        cast(null as string) as phone,
        cast(null as string) as first_name,
        cast(null as string) as first_name_folded,
        cast(null as string) as last_name,
        cast(null as string) as address,
        cast(null as string) as postcode,
        cast(null as string) as city,
        cast(null as date) as birth_on,
        first_seen_at
    from guests

),

-- Who first appears after the as-of date is not known yet.
final as (

    select records.*
    from records
    cross join as_of
    where records.first_seen_at is null or records.first_seen_at < as_of.as_of_date

)

select * from final
