-- One row per accepted order line, with what it adds to net revenue in the base currency.
with orders as {{ read_anew() }} (

    select * from {{ ref('int_orders_identified') }}

),

order_lines as {{ read_anew() }} (

    select * from {{ ref('stg_shop__order_lines') }} where rejection_reason is null

),

products as (

    select * from {{ ref('stg_shop__products') }} where rejection_reason is null

),

returns_without_sale as (

    select * from {{ ref('int_returns_without_sale') }}

),

-- An order's discount is spread over its sales in proportion, and never exceeds them.
discounted as (

    select
        order_lines.order_id,
        round(sum(order_lines.quantity * order_lines.unit_price), 6) as order_gross_amount
    from order_lines
    inner join orders on order_lines.order_id = orders.order_id
    where
        order_lines.quantity > 0 and orders.status = 'completed' and orders.discount_amount > 0
    group by order_lines.order_id

),

-- Positive lines of a cancelled or returned order did not last; a negative line always takes
-- revenue back.
amounts as (

    select
        order_lines.order_id,
        order_lines.line_number,
        order_lines.product_id,
        orders.customer_key,
        orders.channel,
        coalesce(products.category, 'unknown') as category,
        products.unit_cost,
        orders.ordered_at,
        order_lines.quantity > 0 and orders.status = 'completed' as is_sale,
        order_lines.quantity < 0 as is_return,
        abs(order_lines.quantity) as quantity,
        orders.rate,
        case
            when order_lines.quantity > 0 and orders.status = 'completed'
                then order_lines.quantity * order_lines.unit_price
            else 0
        end as gross_amount,
        case
            when order_lines.quantity < 0 then -order_lines.quantity * order_lines.unit_price else 0
        end as returned_amount,
        orders.discount_amount
    from order_lines
    inner join orders on order_lines.order_id = orders.order_id
    left join products on order_lines.product_id = products.product_id

),

-- Money is decimal from here on: sums of it are exact, and the same in every build.
final as (

    select
        amounts.order_id,
        amounts.line_number,
        amounts.product_id,
        amounts.customer_key,
        amounts.channel,
        amounts.category,
        amounts.quantity,
        cast(amounts.gross_amount * amounts.rate as decimal(18, 4)) as gross_revenue,
        cast(
            coalesce(
                amounts.gross_amount / nullif(discounted.order_gross_amount, 0)
                * least(amounts.discount_amount, discounted.order_gross_amount)
                * amounts.rate,
                0
            ) as decimal(18, 4)
        ) as discount_revenue,
        cast(amounts.returned_amount * amounts.rate as decimal(18, 4)) as returned_revenue,
        -- What is given back can be sold again; what took no effect costs nothing.
        cast(
            case
                when amounts.is_sale then amounts.quantity * amounts.unit_cost
                when amounts.is_return then -amounts.quantity * amounts.unit_cost
                else 0
            end as decimal(18, 4)
        ) as cost,
        amounts.is_sale,
        amounts.is_return,
        returns_without_sale.order_id is not null as is_return_without_sale,
        amounts.ordered_at
    from amounts
    left join discounted on amounts.order_id = discounted.order_id
    left join returns_without_sale
        on
            amounts.order_id = returns_without_sale.order_id
            and amounts.line_number = returns_without_sale.line_number

)

select
    *,
    gross_revenue - discount_revenue - returned_revenue as net_revenue
from final
