-- One row per published figure of the Online Retail dataset: what was counted beside what is known.
-- Run it after `make build DATASET=online_retail SOURCE_FILE=…`; `matches` must be true throughout.
with orders as (

    select * from {{ ref('stg_shop__orders') }}

),

order_lines as (

    select
        order_lines.*,
        orders.customer_id,
        orders.status,
        orders.ordered_at
    from {{ ref('stg_shop__order_lines') }} as order_lines
    left join orders on order_lines.order_id = orders.order_id

),

-- What makes a line an exact repeat (its description, its minute) has no place in the contract; the
-- importer keeps both in the file.
repeated as (

    select
        order_id,
        product_id,
        description,
        line_at,
        quantity,
        unit_price,
        count(*) as copies
    from {{ source('shop', 'order_lines') }}
    group by order_id, product_id, description, line_at, quantity, unit_price

),

sales as (

    select * from order_lines
    where quantity > 0 and unit_price > 0 and customer_id is not null

),

customers as (

    select
        customer_id,
        count(distinct order_id) as invoices,
        {{ days_between("max(cast(ordered_at as date))", "cast('2011-12-10' as date)") }}
            as recency_days
    from sales
    group by customer_id

),

figures as (

    select
        'rows' as figure,
        541909 as known,
        count(*) as counted
    from order_lines

    union all

    select
        'customers with an id' as figure,
        4372 as known,
        count(distinct customer_id) as counted
    from order_lines

    union all

    select
        'rows without an id' as figure,
        135080 as known,
        count(*) filter (where customer_id is null) as counted
    from order_lines

    union all

    select
        'negative quantities' as figure,
        10624 as known,
        count(*) filter (where quantity < 0) as counted
    from order_lines

    union all

    select
        'cancellation lines' as figure,
        9288 as known,
        count(*) filter (where status = 'cancelled') as counted
    from order_lines

    union all

    select
        'cancellation invoices' as figure,
        3836 as known,
        count(*) filter (where status = 'cancelled') as counted
    from orders

    union all

    select
        'exact duplicates' as figure,
        5268 as known,
        sum(copies - 1) as counted
    from repeated

    union all

    select
        'prices at or under zero' as figure,
        2517 as known,
        count(*) filter (where unit_price <= 0) as counted
    from order_lines

    union all

    select
        'sales: rows' as figure,
        397884 as known,
        count(*) as counted
    from sales

    union all

    select
        'sales: customers' as figure,
        4338 as known,
        count(*) as counted
    from customers

    union all

    select
        'sales: pounds' as figure,
        8911407.90 as known,
        round(sum(quantity * unit_price), 2) as counted
    from sales

    union all

    select
        'one-time buyers' as figure,
        1493 as known,
        count(*) filter (where invoices = 1) as counted
    from customers

    union all

    select
        'median recency in days' as figure,
        51 as known,
        percentile_cont(0.5) within group (order by recency_days) as counted
    from customers

    union all

    select
        'median invoices' as figure,
        2 as known,
        percentile_cont(0.5) within group (order by invoices) as counted
    from customers

)

select
    figure,
    known,
    counted,
    known = counted as matches
from figures
