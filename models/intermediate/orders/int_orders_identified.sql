-- One row per accepted order or return document before the as-of date, with whose it is.
with orders as (

    select * from {{ ref('stg_shop__orders') }} where rejection_reason is null

),

identities as (

    select * from {{ ref('ml_customer_identities') }}

),

base_currency as (

    select euros_per_unit
    from {{ ref('exchange_rates') }}
    where currency = '{{ var("base_currency") }}'

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

final as (

    select
        orders.order_id,
        identities.customer_key,
        orders.channel,
        orders.status,
        orders.discount_amount,
        orders.euros_per_unit / base_currency.euros_per_unit as rate,
        orders.ordered_at
    from orders
    cross join base_currency
    cross join as_of
    left join identities
        on
            coalesce('id:' || orders.customer_id, 'guest:' || orders.guest_email)
            = identities.record_id
    where orders.ordered_at < as_of.as_of_date

)

select * from final
