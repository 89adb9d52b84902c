-- One row per customer_key with a purchase in the RFM window.
with order_days as (

    select * from {{ ref('int_order_days') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

final as (

    select
        order_days.customer_key,
        {{ days_between(
            'max(case when order_days.is_purchase_day then order_days.ordered_on end)',
            'max(as_of.as_of_date)'
        ) }} as recency_days,
        count(*) filter (where order_days.is_purchase_day) as frequency,
        sum(order_days.net_revenue) as monetary,
        sum(order_days.gross_revenue - order_days.discount_revenue)
        / cast(sum(order_days.purchases) as double) as average_order_value,
        min(case when order_days.is_purchase_day then order_days.ordered_on end)
            as first_purchased_on,
        max(case when order_days.is_purchase_day then order_days.ordered_on end)
            as last_purchased_on
    from order_days
    cross join as_of
    where
        order_days.ordered_on < as_of.as_of_date
    {%- if var('rfm_window_days') %}
        and order_days.ordered_on >= {{ add_days('as_of.as_of_date', -var('rfm_window_days')) }}
        {%- endif %}
    group by order_days.customer_key
    having count(*) filter (where order_days.is_purchase_day) > 0

)

select * from final
