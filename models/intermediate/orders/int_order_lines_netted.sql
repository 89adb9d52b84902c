-- One row per accepted order line, with what it adds to net revenue in the base currency.
with orders as {{ read_anew() }} (

    select * from {{ ref('stg_shop__orders') }} where rejection_reason is null

),

order_lines as {{ read_anew() }} (

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

-- Read several times, so each reading is left to the engine: kept in memory they would be large.
buyers as {{ read_anew() }} (

    select
        orders.*,
        identities.customer_key,
        orders.euros_per_unit / base_currency.euros_per_unit as rate
    from orders
    cross join base_currency
    cross join as_of
    left join identities
        on
            coalesce('id:' || orders.customer_id, 'guest:' || orders.guest_email)
            = identities.record_id
    where orders.ordered_at < as_of.as_of_date

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

given_back as (

    select distinct
        buyers.customer_key,
        order_lines.product_id
    from order_lines
    inner join buyers on order_lines.order_id = buyers.order_id
    where order_lines.quantity < 0

),

-- When each customer first bought what came back: it must have been bought before.
first_bought as (

    select
        buyers.customer_key,
        order_lines.product_id,
        min(buyers.ordered_at) as first_bought_at
    from order_lines
    inner join buyers on order_lines.order_id = buyers.order_id
    inner join given_back
        on
            buyers.customer_key = given_back.customer_key
            and order_lines.product_id = given_back.product_id
    where order_lines.quantity > 0 and buyers.status <> 'cancelled'
    group by buyers.customer_key, order_lines.product_id

),

-- Positive lines of a cancelled or returned order did not last; a negative line always takes
-- revenue back.
amounts as (

    select
        order_lines.order_id,
        order_lines.line_number,
        order_lines.product_id,
        buyers.customer_key,
        buyers.channel,
        coalesce(products.category, 'unknown') as category,
        products.unit_cost,
        buyers.ordered_at,
        order_lines.quantity > 0 and buyers.status = 'completed' as is_sale,
        order_lines.quantity < 0 as is_return,
        abs(order_lines.quantity) as quantity,
        buyers.rate,
        case
            when order_lines.quantity > 0 and buyers.status = 'completed'
                then order_lines.quantity * order_lines.unit_price
            else 0
        end as gross_amount,
        case
            when order_lines.quantity < 0 then -order_lines.quantity * order_lines.unit_price else 0
        end as returned_amount,
        buyers.discount_amount
    from order_lines
    inner join buyers on order_lines.order_id = buyers.order_id
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
        -- Of an unknown buyer nothing can be said.
        amounts.is_return
        and amounts.customer_key is not null
        and coalesce(first_bought.first_bought_at > amounts.ordered_at, true)
        {%- for product in var('products_that_are_no_goods') %}
        and coalesce(amounts.product_id, '') <> '{{ product | replace("'", "''") }}'
        {%- endfor %}
            as is_return_without_sale,
        amounts.ordered_at
    from amounts
    left join discounted on amounts.order_id = discounted.order_id
    left join first_bought
        on
            amounts.customer_key = first_bought.customer_key
            and amounts.product_id = first_bought.product_id

)

select
    *,
    gross_revenue - discount_revenue - returned_revenue as net_revenue
from final
