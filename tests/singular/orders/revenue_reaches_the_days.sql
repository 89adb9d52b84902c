-- Net revenue of lines with a customer = net revenue of customer days. A difference means that the
-- features miss or repeat sales.
with totals as (

    select
        (
            select coalesce(sum(net_revenue), 0)
            from {{ ref('int_order_lines_netted') }}
            where customer_key is not null
        ) as revenue_of_lines,
        (select coalesce(sum(net_revenue), 0) from {{ ref('int_order_days') }}) as revenue_of_days

)

select *
from totals
where revenue_of_lines <> revenue_of_days
