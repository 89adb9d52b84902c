-- One row per customer_key and cutoff with a purchase before it: further windows, and trends.
{%- set windows = [30, 180] %}
{%- set steps = [(0, 3), (90, 1), (180, -1), (270, -3)] %}
with order_days as (

    select * from {{ ref('int_order_days') }}

),

cutoffs as (

    select * from {{ ref('int_cutoffs') }}

),

known as (

    select
        order_days.customer_key,
        cutoffs.cutoff_name,
        {{ days_between('order_days.ordered_on', 'cutoffs.cutoff_on') }} as days_ago,
        case when order_days.is_purchase_day then 1 else 0 end as purchase_days,
        order_days.net_revenue,
        order_days.gross_revenue,
        order_days.discount_revenue,
        order_days.returned_revenue,
        order_days.last_ordered_at
    from order_days
    inner join cutoffs on order_days.ordered_on < cutoffs.cutoff_on

),

-- The slope of a straight line through four windows of 90 days, the oldest first: their values
-- weighed by -3, -1, 1 and 3, over 10.
summed as (

    select
        customer_key,
        cutoff_name,
        max(case when purchase_days = 1 then days_ago end) as tenure_days,
        {%- for days in windows %}
        sum(case when days_ago <= {{ days }} then purchase_days else 0 end)
            as frequency_{{ days }}d,
        sum(case when days_ago <= {{ days }} then net_revenue else 0 end) as monetary_{{ days }}d,
        {%- endfor %}
        {%- for column, name in [('purchase_days', 'frequency'), ('net_revenue', 'monetary')] %}
        sum(
            case
                when days_ago <= 90 then {{ column }}
                when days_ago <= 180 then -{{ column }}
                else 0
            end
        ) as {{ name }}_change_90d,
        sum(
            case
                {%- for days, weight in steps %}
                when days_ago <= {{ days + 90 }} then {{ weight }} * {{ column }}
                {%- endfor %}
                else 0
            end
        ) / cast(10 as double) as {{ name }}_slope,
        {%- endfor %}
        {%- for column in ['gross', 'discount', 'returned'] %}
        cast(sum(case when days_ago <= 365 then {{ column }}_revenue else 0 end) as double)
            as {{ column }}_revenue_365d,
        {%- endfor %}
        max(last_ordered_at) as last_event_at
    from known
    group by customer_key, cutoff_name
    having sum(purchase_days) > 0

),

-- Of a customer newer than the windows, a trend would only say how new.
final as (

    select
        customer_key,
        cutoff_name,
        {%- for name in ['frequency', 'monetary'] %}
        {%- for days in windows %}
        {{ name }}_{{ days }}d,
        {%- endfor %}
        case when tenure_days >= 180 then {{ name }}_change_90d end as {{ name }}_change_90d,
        case when tenure_days >= 360 then {{ name }}_slope end as {{ name }}_slope,
        {%- endfor %}
        discount_revenue_365d / nullif(gross_revenue_365d, 0) as discount_rate_365d,
        case
            when gross_revenue_365d > 0
                then least(returned_revenue_365d / gross_revenue_365d, 1)
        end as return_rate_365d,
        last_event_at
    from summed

)

select * from final
