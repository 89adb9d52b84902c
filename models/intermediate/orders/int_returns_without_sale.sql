-- One row per returned line of a customer without a completed sale of the product before.
{%- set conditions = ['order_lines.quantity < 0'] %}
{%- for product in var('products_that_are_no_goods') %}
    {%- do conditions.append(
        "coalesce(order_lines.product_id, '') <> '" ~ product | replace("'", "''") ~ "'"
    ) %}
{%- endfor %}
with orders as {{ read_anew() }} (

    -- Of an unknown buyer nothing can be said.
    select * from {{ ref('int_orders_identified') }} where customer_key is not null

),

order_lines as {{ read_anew() }} (

    select * from {{ ref('stg_shop__order_lines') }} where rejection_reason is null

),

returned as (

    select
        order_lines.order_id,
        order_lines.line_number,
        order_lines.product_id,
        orders.customer_key,
        orders.ordered_at
    from order_lines
    inner join orders on order_lines.order_id = orders.order_id
    where {{ conditions | join(' and ') }}

),

given_back as (

    select distinct
        customer_key,
        product_id
    from returned

),

first_bought as (

    select
        orders.customer_key,
        order_lines.product_id,
        min(orders.ordered_at) filter (where orders.status = 'completed') as first_sold_at,
        min(orders.ordered_at) filter (where orders.status = 'returned') as first_sent_back_at
    from order_lines
    inner join orders on order_lines.order_id = orders.order_id
    inner join given_back
        on
            orders.customer_key = given_back.customer_key
            and order_lines.product_id = given_back.product_id
    where order_lines.quantity > 0 and orders.status <> 'cancelled'
    group by orders.customer_key, order_lines.product_id

),

final as (

    select
        returned.order_id,
        returned.line_number,
        coalesce(first_bought.first_sent_back_at <= returned.ordered_at, false)
            as is_of_returned_order
    from returned
    left join first_bought
        on
            returned.customer_key = first_bought.customer_key
            and returned.product_id = first_bought.product_id
    where coalesce(first_bought.first_sold_at > returned.ordered_at, true)

)

select * from final
