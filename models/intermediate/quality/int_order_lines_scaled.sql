-- One row per accepted order line: how far it lies from what is usual, in robust deviations.
with order_lines as (

    select * from {{ ref('int_order_lines_sized') }}

),

norms as (

    select * from {{ ref('int_order_line_norms') }}

),

-- A line is measured against its product where that has lines enough, else against its category,
-- else against all. The value of a line is measured one level up, since within a product it says
-- nothing beyond quantity and price.
final as (

    select
        order_lines.order_id,
        order_lines.line_number,
        order_lines.product_id,
        order_lines.category,
        coalesce(by_product.norm_level, by_category.norm_level, overall.norm_level) as norm_level,
        {%- for limit in ['quantity_low', 'quantity_high', 'price_low', 'price_high'] %}
        coalesce(by_product.{{ limit }}, by_category.{{ limit }}, overall.{{ limit }})
            as {{ limit }},
        {%- endfor %}
        {%- for size in ['quantity', 'price'] %}
        (
            order_lines.{{ size }}_size
            - coalesce(
                by_product.{{ size }}_middle,
                by_category.{{ size }}_middle,
                overall.{{ size }}_middle
            )
        )
        / coalesce(
            by_product.{{ size }}_spread, by_category.{{ size }}_spread, overall.{{ size }}_spread
        ) as {{ size }}_z,
        {%- endfor %}
        {%- for size in ['value', 'discount'] %}
        (
            order_lines.{{ size }}_size
            - coalesce(by_category.{{ size }}_middle, overall.{{ size }}_middle)
        )
        / coalesce(by_category.{{ size }}_spread, overall.{{ size }}_spread) as {{ size }}_z,
        {%- endfor %}
        order_lines.quantity,
        order_lines.unit_price,
        order_lines.line_value,
        order_lines.discount_share
    from order_lines
    left join norms as by_product
        on order_lines.product_id = by_product.group_id and by_product.norm_level = 'product'
    left join norms as by_category
        on order_lines.category = by_category.group_id and by_category.norm_level = 'category'
    inner join norms as overall on overall.norm_level = 'all'

)

select * from final
