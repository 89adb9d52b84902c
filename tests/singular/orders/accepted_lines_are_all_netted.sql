-- Every accepted line before the as-of date is netted, once. A difference means that lines were
-- lost or repeated where they meet currencies, products or people.
with totals as (

    select
        (
            select count(*)
            from {{ ref('stg_shop__order_lines') }} as order_lines
            inner join {{ ref('stg_shop__orders') }} as orders
                on order_lines.order_id = orders.order_id
            cross join {{ ref('int_as_of_date') }} as as_of
            where
                order_lines.rejection_reason is null
                and orders.rejection_reason is null
                and orders.ordered_at < as_of.as_of_date
        ) as lines_accepted,
        (select count(*) from {{ ref('int_order_lines_netted') }}) as lines_netted

)

select *
from totals
where lines_accepted <> lines_netted
