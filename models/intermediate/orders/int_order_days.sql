-- One row per customer_key and day with an order or a return: what features and labels are made of.
with orders as (

    select * from {{ ref('int_orders_netted') }} where customer_key is not null

),

final as (

    select
        customer_key,
        ordered_on,
        count(*) filter (where is_purchase) as purchases,
        count(*) filter (where is_purchase and channel = 'web') as web_purchases,
        count(*) filter (where is_purchase and channel = 'store') as store_purchases,
        sum(items) as items,
        sum(gross_revenue) as gross_revenue,
        sum(discount_revenue) as discount_revenue,
        sum(returned_revenue) as returned_revenue,
        sum(net_revenue) as net_revenue,
        sum(costed_revenue) as costed_revenue,
        sum(costed_margin) as costed_margin,
        bool_or(is_purchase) as is_purchase_day,
        max(ordered_at) as last_ordered_at
    from orders
    group by customer_key, ordered_on

)

select * from final
