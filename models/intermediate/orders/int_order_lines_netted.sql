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

-- A discount is spread over what its order sells in proportion, in a document of returns alone over
-- these, for it was not paid back; it never exceeds them.
discounted as (

    select
        order_lines.order_id,
        round(sum(greatest(order_lines.quantity, 0) * order_lines.unit_price), 6) as sold_amount,
        round(sum(greatest(-order_lines.quantity, 0) * order_lines.unit_price), 6)
            as returned_amount
    from order_lines
    inner join orders on order_lines.order_id = orders.order_id
    where orders.discount_amount > 0
    group by order_lines.order_id

),

-- Positive lines of a cancelled or returned order did not last; a negative line takes revenue
-- back, but for that of an order which is marked returned and so never counted.
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
        order_lines.quantity < 0 and not coalesce(returns_without_sale.is_of_returned_order, false)
            as takes_back,
        not coalesce(returns_without_sale.is_of_returned_order, true) as is_return_without_sale,
        abs(order_lines.quantity) as quantity,
        orders.rate,
        case
            when order_lines.quantity > 0 and orders.status = 'completed'
                then order_lines.quantity * order_lines.unit_price
            else 0
        end as gross_amount,
        greatest(-order_lines.quantity, 0) * order_lines.unit_price as returned_amount,
        orders.discount_amount
    from order_lines
    inner join orders on order_lines.order_id = orders.order_id
    left join products on order_lines.product_id = products.product_id
    left join returns_without_sale
        on
            order_lines.order_id = returns_without_sale.order_id
            and order_lines.line_number = returns_without_sale.line_number

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
                amounts.gross_amount / nullif(discounted.sold_amount, 0)
                * least(amounts.discount_amount, discounted.sold_amount)
                * amounts.rate,
                0
            ) as decimal(18, 4)
        ) as discount_revenue,
        cast(
            case
                when not amounts.takes_back then 0
                when discounted.sold_amount = 0 and discounted.returned_amount > 0
                    then
                        amounts.returned_amount / discounted.returned_amount
                        * greatest(discounted.returned_amount - amounts.discount_amount, 0)
                        * amounts.rate
                else amounts.returned_amount * amounts.rate
            end as decimal(18, 4)
        ) as returned_revenue,
        -- What is given back can be sold again; what took no effect costs nothing.
        cast(
            case
                when amounts.is_sale then amounts.quantity * amounts.unit_cost
                when amounts.takes_back then -amounts.quantity * amounts.unit_cost
                else 0
            end as decimal(18, 4)
        ) as cost,
        amounts.is_sale,
        amounts.is_return,
        amounts.is_return_without_sale,
        amounts.ordered_at
    from amounts
    left join discounted on amounts.order_id = discounted.order_id

)

select
    *,
    gross_revenue - discount_revenue - returned_revenue as net_revenue
from final
