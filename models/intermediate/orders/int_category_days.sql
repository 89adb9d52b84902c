-- One row per customer_key, category and day on which something of the category was bought.
with order_lines as (

    select * from {{ ref('int_order_lines_netted') }} where is_sale and customer_key is not null

),

final as (

    select
        customer_key,
        category,
        cast(ordered_at as date) as purchased_on,
        sum(quantity) as items,
        sum(gross_revenue - discount_revenue) as revenue
    from order_lines
    group by customer_key, category, cast(ordered_at as date)

)

select * from final
