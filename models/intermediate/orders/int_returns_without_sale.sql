-- One row per returned line of a customer without a completed sale of the product before, and of
-- postage that was credited with such lines alone.
{%- set is_goods = [] %}
{%- for product in var('products_that_are_no_goods') %}
    {%- do is_goods.append(
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
        orders.ordered_at,
        {{ is_goods | join(' and ') or 'true' }} as is_goods
    from order_lines
    inner join orders on order_lines.order_id = orders.order_id
    where order_lines.quantity < 0

),

given_back as (

    select distinct
        customer_key,
        product_id
    from returned
    where is_goods

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

judged as (

    select
        returned.order_id,
        returned.line_number,
        returned.is_goods,
        returned.is_goods and coalesce(first_bought.first_sold_at > returned.ordered_at, true)
            as is_without_sale,
        coalesce(first_bought.first_sold_at > returned.ordered_at, true)
        and coalesce(first_bought.first_sent_back_at <= returned.ordered_at, false)
            as is_of_returned_order
    from returned
    -- No postage is in it. A condition on one side alone would make DuckDB compare every pair.
    left join first_bought
        on
            returned.customer_key = first_bought.customer_key
            and returned.product_id = first_bought.product_id

),

-- Postage and the like are credited with the goods of their document.
credit_notes as (

    select order_id
    from judged
    where is_goods
    group by order_id
    having bool_and(is_of_returned_order)

),

final as (

    select
        judged.order_id,
        judged.line_number,
        judged.is_of_returned_order or not judged.is_goods as is_of_returned_order
    from judged
    left join credit_notes on judged.order_id = credit_notes.order_id
    where judged.is_without_sale or (not judged.is_goods and credit_notes.order_id is not null)

)

select * from final
