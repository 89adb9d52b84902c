-- One row per customer_key and cutoff with a purchase before it: repeats, spans and order values.
with order_days as (

    select * from {{ ref('int_order_days') }}

),

cutoffs as (

    select * from {{ ref('int_cutoffs') }}

),

permissions as (

    select * from {{ ref('int_customer_permissions') }}

),

known as (

    select
        order_days.*,
        cutoffs.cutoff_name,
        cutoffs.cutoff_on,
        case when order_days.is_purchase_day then order_days.ordered_on end as purchased_on,
        case
            when order_days.is_purchase_day
                then order_days.gross_revenue - order_days.discount_revenue
        end as order_value,
        row_number() over (
            partition by order_days.customer_key, cutoffs.cutoff_name
            order by case when order_days.is_purchase_day then 0 else 1 end, order_days.ordered_on
        ) as day_number
    from order_days
    inner join cutoffs on order_days.ordered_on < cutoffs.cutoff_on

),

summed as (

    select
        customer_key,
        cutoff_name,
        cutoff_on,
        min(purchased_on) as first_purchased_on,
        max(purchased_on) as last_purchased_on,
        count(purchased_on) - 1 as x,
        sum(order_value) as sold_revenue,
        sum(case when day_number > 1 then order_value end) as repeat_revenue,
        sum(returned_revenue) as returned_revenue,
        sum(net_revenue) as net_revenue,
        sum(costed_revenue) as costed_revenue,
        sum(costed_margin) as costed_margin,
        max(last_ordered_at) as last_event_at
    from known
    group by customer_key, cutoff_name, cutoff_on
    having count(purchased_on) > 0

),

final as (

    select
        summed.customer_key,
        summed.cutoff_name,
        summed.cutoff_on,
        permissions.may_be_profiled,
        cast(summed.x as bigint) as x,
        {{ days_between('summed.first_purchased_on', 'summed.last_purchased_on') }}
        / cast(7 as double) as t_x,
        {{ days_between('summed.first_purchased_on', 'summed.cutoff_on') }}
        / cast(7 as double) as t,
        case
            when summed.x > 0
                then {{ to_cents('cast(summed.repeat_revenue as double) / summed.x') }}
        end as repeat_order_value,
        cast(summed.sold_revenue as double) as sold_revenue,
        cast(summed.returned_revenue as double) as returned_revenue,
        cast(summed.net_revenue as double) as net_revenue,
        cast({{ if_source_on('shop.products', 'summed.costed_revenue') }} as double)
            as costed_revenue,
        cast({{ if_source_on('shop.products', 'summed.costed_margin') }} as double)
            as costed_margin,
        cast(
            {{ if_source_on('shop.products', margin_rate_of(
                'summed.net_revenue', 'summed.costed_revenue', 'summed.costed_margin'
            )) }} as double
        ) as margin_rate,
        summed.last_event_at
    from summed
    inner join permissions on summed.customer_key = permissions.customer_key

)

select * from final
