-- Revenue of orders = revenue of RFM + revenue of nobody + revenue of customers who only returned.
-- A difference means that a join lost or repeated orders on the way to the mart.
{{ config(enabled = not var('rfm_window_days')) }}

with orders as (

    select * from {{ ref('int_orders_netted') }}

),

rfm as (

    select * from {{ ref('customer_rfm') }}

),

totals as (

    select
        (select coalesce(sum(net_revenue), 0) from orders) as revenue_of_orders,
        (select coalesce(sum(monetary), 0) from rfm) as revenue_of_rfm,
        (
            select coalesce(sum(orders.net_revenue), 0)
            from orders
            left join rfm on orders.customer_key = rfm.customer_key
            where coalesce(rfm.frequency, 0) = 0
        ) as revenue_unassigned

)

select *
from totals
where abs(revenue_of_orders - revenue_of_rfm - revenue_unassigned) > 0.01
