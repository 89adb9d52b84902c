-- One row per accepted order line, with what it adds to net revenue in the base currency.
with orders as (

    select * from {{ ref('stg_shop__orders') }} where rejection_reason is null

),

order_lines as (

    select * from {{ ref('stg_shop__order_lines') }} where rejection_reason is null

),

products as (

    select * from {{ ref('stg_shop__products') }} where rejection_reason is null

),

identities as (

    select * from {{ ref('ml_customer_identities') }}

),

base_currency as (

    select euros_per_unit
    from {{ ref('exchange_rates') }}
    where currency = '{{ var("base_currency") }}'

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

-- Positive lines of a cancelled or returned order did not last; a negative line always takes
-- revenue back.
amounts as (

    select
        order_lines.order_id,
        order_lines.line_number,
        identities.customer_key,
        orders.channel,
        coalesce(products.category, 'unknown') as category,
        orders.ordered_at,
        order_lines.quantity > 0 and orders.status = 'completed' as is_sale,
        order_lines.quantity < 0 as is_return,
        abs(order_lines.quantity) as quantity,
        orders.euros_per_unit / base_currency.euros_per_unit as rate,
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
    cross join base_currency
    cross join as_of
    left join products on order_lines.product_id = products.product_id
    left join identities
        on
            coalesce('id:' || orders.customer_id, 'guest:' || orders.guest_email)
            = identities.record_id
    where orders.ordered_at < as_of.as_of_date

),

-- An order's discount is spread over its sales in proportion, and never exceeds them.
shared as (

    select
        *,
        round(sum(gross_amount) over (partition by order_id), 6) as order_gross_amount
    from amounts

),

-- Money is decimal from here on: sums of it are exact, and the same in every build.
final as (

    select
        order_id,
        line_number,
        customer_key,
        channel,
        category,
        quantity,
        cast(gross_amount * rate as decimal(18, 4)) as gross_revenue,
        cast(
            coalesce(
                gross_amount / nullif(order_gross_amount, 0)
                * least(discount_amount, order_gross_amount)
                * rate,
                0
            ) as decimal(18, 4)
        ) as discount_revenue,
        cast(returned_amount * rate as decimal(18, 4)) as returned_revenue,
        is_sale,
        is_return,
        ordered_at
    from shared

)

select
    *,
    gross_revenue - discount_revenue - returned_revenue as net_revenue
from final
