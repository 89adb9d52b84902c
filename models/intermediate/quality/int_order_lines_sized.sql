-- One row per accepted order line: how many pieces, at what price, for how much, at what discount.
with orders as (

    select * from {{ ref('stg_shop__orders') }} where rejection_reason is null

),

order_lines as (

    select * from {{ ref('stg_shop__order_lines') }} where rejection_reason is null

),

products as (

    select * from {{ ref('stg_shop__products') }} where rejection_reason is null

),

base_currency as (

    select euros_per_unit
    from {{ ref('exchange_rates') }}
    where currency = '{{ var("base_currency") }}'

),

valued as (

    select
        order_lines.order_id,
        order_lines.line_number,
        order_lines.product_id,
        products.category,
        order_lines.quantity,
        order_lines.unit_price * orders.euros_per_unit / base_currency.euros_per_unit
            as unit_price,
        orders.discount_amount,
        -- Rounded, for the last digits of a sum of doubles depend on the order of its rows.
        round(
            sum(
                case
                    when order_lines.quantity > 0 then order_lines.quantity * order_lines.unit_price
                end
            ) over (partition by order_lines.order_id),
            6
        ) as order_amount
    from order_lines
    inner join orders on order_lines.order_id = orders.order_id
    cross join base_currency
    left join products on order_lines.product_id = products.product_id

),

shared as (

    select
        *,
        least(greatest(coalesce(discount_amount / nullif(order_amount, 0), 0), 0), 1)
            as discount_share
    from valued

),

final as (

    select
        order_id,
        line_number,
        coalesce(product_id, 'unknown') as product_id,
        coalesce(category, 'unknown') as category,
        quantity,
        unit_price,
        quantity * unit_price as line_value,
        discount_share,
        -- A return is as large as the sale it takes back: sizes are of the absolute amount.
        ln(abs(quantity)) as quantity_size,
        ln(unit_price) as price_size,
        ln(abs(quantity) * unit_price) as value_size,
        -- The logarithm of gross over net; a full discount counts as 99.9 %.
        -ln(1 - least(discount_share, 0.999)) as discount_size
    from shared

)

select * from final
