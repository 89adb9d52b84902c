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
        order_lines.product_id,
        identities.customer_key,
        orders.channel,
        coalesce(products.category, 'unknown') as category,
        products.unit_cost,
        orders.ordered_at,
        order_lines.quantity > 0 and orders.status = 'completed' as is_sale,
        order_lines.quantity < 0 as is_return,
        order_lines.quantity > 0 and orders.status <> 'cancelled' as is_bought,
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

-- When each customer first bought each product: what comes back must have been bought before.
first_bought as (

    select
        customer_key,
        product_id,
        min(ordered_at) as first_bought_at
    from amounts
    where is_bought and customer_key is not null
    group by customer_key, product_id

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
        shared.order_id,
        shared.line_number,
        shared.product_id,
        shared.customer_key,
        shared.channel,
        shared.category,
        shared.quantity,
        cast(shared.gross_amount * shared.rate as decimal(18, 4)) as gross_revenue,
        cast(
            coalesce(
                shared.gross_amount / nullif(shared.order_gross_amount, 0)
                * least(shared.discount_amount, shared.order_gross_amount)
                * shared.rate,
                0
            ) as decimal(18, 4)
        ) as discount_revenue,
        cast(shared.returned_amount * shared.rate as decimal(18, 4)) as returned_revenue,
        -- What is given back can be sold again; what took no effect costs nothing.
        cast(
            case
                when shared.is_sale then shared.quantity * shared.unit_cost
                when shared.is_return then -shared.quantity * shared.unit_cost
                else 0
            end as decimal(18, 4)
        ) as cost,
        shared.is_sale,
        shared.is_return,
        -- Of an unknown buyer nothing can be said.
        shared.is_return
        and shared.customer_key is not null
        and coalesce(first_bought.first_bought_at > shared.ordered_at, true)
        {%- for product in var('products_that_are_no_goods') %}
        and coalesce(shared.product_id, '') <> '{{ product | replace("'", "''") }}'
        {%- endfor %}
            as is_return_without_sale,
        shared.ordered_at
    from shared
    left join first_bought
        on
            shared.customer_key = first_bought.customer_key
            and shared.product_id = first_bought.product_id

)

select
    *,
    gross_revenue - discount_revenue - returned_revenue as net_revenue
from final
