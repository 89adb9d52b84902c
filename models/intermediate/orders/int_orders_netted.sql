-- One row per order or return document with at least one accepted line.
with order_lines as (

    select * from {{ ref('int_order_lines_netted') }}

),

final as (

    select
        order_id,
        customer_key,
        channel,
        -- Lines, not units: a litre of fuel or a gram of cheese would count as an article.
        count(*) filter (where is_sale) as items,
        sum(gross_revenue) as gross_revenue,
        sum(discount_revenue) as discount_revenue,
        sum(returned_revenue) as returned_revenue,
        sum(net_revenue) as net_revenue,
        sum(case when cost is not null then net_revenue else 0 end) as costed_revenue,
        sum(case when cost is not null then net_revenue - cost else 0 end) as costed_margin,
        bool_or(is_sale) as is_purchase,
        bool_or(is_return) as has_return,
        ordered_at,
        cast(ordered_at as date) as ordered_on
    from order_lines
    group by order_id, customer_key, channel, ordered_at

)

select * from final
