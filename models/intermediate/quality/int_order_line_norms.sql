-- One row per level (product, category, all) and group: what is usual for an order line of it.
{%- set levels = {'product': 'product_id', 'category': 'category', 'all': "'all'"} %}
{%- set sizes = ['quantity', 'price', 'value', 'discount'] %}
with order_lines as {{ read_anew() }} (

    select * from {{ ref('int_order_lines_sized') }}

),

{% for level, group in levels.items() %}
{{ level }}_groups as (

    select
        {{ group }} as group_id,
        count(*) as order_lines
    from order_lines
    {%- if level != 'all' %}
    where {{ group }} <> 'unknown'
    {%- endif %}
    group by group_id
    {%- if level != 'all' %}
    having count(*) >= {{ var('outlier_min_rows') }}
    {%- endif %}

),

-- A median keeps every value in memory: of a large group some thousands by hash say as much.
{{ level }}_lines as {{ read_anew() }} (

    select
        order_lines.*,
        level_groups.group_id,
        level_groups.order_lines
    from order_lines
    inner join {{ level }}_groups as level_groups
        on {{ "1 = 1" if level == "all" else "order_lines." ~ group ~ " = level_groups.group_id" }}
    where {{ is_profiled(
        "order_lines.order_id || '-' || cast(order_lines.line_number as string)",
        'level_groups.order_lines', var('outlier_norm_rows')
    ) }}

),

{{ level }}_middles as (

    select
        group_id,
        {%- for size in sizes %}
        median({{ size }}_size) as {{ size }}_middle,
        percentile_cont(0.95) within group (order by {{ size }}_size)
        - percentile_cont(0.05) within group (order by {{ size }}_size) as {{ size }}_span,
        {%- endfor %}
        max(order_lines) as order_lines,
        percentile_cont(0.05) within group (order by abs(quantity)) as quantity_low,
        percentile_cont(0.95) within group (order by abs(quantity)) as quantity_high,
        percentile_cont(0.05) within group (order by unit_price) as price_low,
        percentile_cont(0.95) within group (order by unit_price) as price_high
    from {{ level }}_lines
    group by group_id

),

-- 1.4826 makes the median absolute deviation a standard deviation where values are normal, 3.29 the
-- span of the middle nine tenths.
{{ level }}_norms as (

    select
        '{{ level }}' as norm_level,
        middles.group_id,
        {%- for size in sizes %}
        max(middles.{{ size }}_middle) as {{ size }}_middle,
        1.4826 * median(abs(level_lines.{{ size }}_size - middles.{{ size }}_middle))
            as {{ size }}_deviation,
        max(middles.{{ size }}_span) / 3.29 as {{ size }}_tails,
        {%- endfor %}
        max(middles.order_lines) as order_lines,
        max(middles.quantity_low) as quantity_low,
        max(middles.quantity_high) as quantity_high,
        max(middles.price_low) as price_low,
        max(middles.price_high) as price_high
    from {{ level }}_lines as level_lines
    inner join {{ level }}_middles as middles on level_lines.group_id = middles.group_id
    group by middles.group_id

),
{% endfor %}
norms as (

    {%- for level in levels %}
    select * from {{ level }}_norms
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

-- Where more than half of all values are equal the deviation is zero, and every other value would
-- be infinitely far. The span stands in, and never less than the least spread.
final as (

    select
        norm_level,
        group_id,
        order_lines,
        {%- for size in sizes %}
        {{ size }}_middle,
        case
            when {{ size }}_deviation >= {{ var('outlier_least_spread') }} then {{ size }}_deviation
            else greatest({{ size }}_tails, {{ var('outlier_least_spread') }})
        end as {{ size }}_spread,
        {%- endfor %}
        quantity_low,
        quantity_high,
        price_low,
        price_high
    from norms

)

select * from final
