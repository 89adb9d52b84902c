-- One row per customer_key and cutoff with a purchase before it: seasons and retail periods.
{%- set horizon = var('horizon_days') %}
with order_days as (

    select * from {{ ref('int_order_days') }} where is_purchase_day

),

cutoffs as (

    select * from {{ ref('int_cutoffs') }}

),

periods as (

    select
        *,
        starts_month * 100 + starts_day as starts_at,
        ends_month * 100 + ends_day as ends_at
    from {{ ref('retail_periods') }}

),

dated as (

    select
        order_days.customer_key,
        order_days.ordered_on,
        order_days.net_revenue,
        order_days.last_ordered_at,
        extract(quarter from order_days.ordered_on) as quarter_number,
        periods.period
    from order_days
    left join periods
        on
            extract(month from order_days.ordered_on) * 100
            + extract(day from order_days.ordered_on)
            between periods.starts_at and periods.ends_at

),

-- Years of 365 days: the day of the coming horizon that is whole years after a purchase.
known as (

    select
        dated.*,
        cutoffs.cutoff_name,
        cutoffs.cutoff_on,
        {{ days_between('dated.ordered_on', 'cutoffs.cutoff_on') }} as days_ago
    from dated
    inner join cutoffs on dated.ordered_on < cutoffs.cutoff_on

),

summed as (

    select
        customer_key,
        cutoff_name,
        cast(count(*) as double) as frequency,
        max(days_ago) as tenure_days,
        count(*) filter (where days_ago <= 365 and days_ago > {{ 365 - horizon }})
            as season_days,
        sum(
            case
                when days_ago <= 365 and days_ago > {{ 365 - horizon }} then net_revenue else 0
            end
        ) as season_revenue,
        count(*) filter (where mod(365 - mod(days_ago, 365), 365) < {{ horizon }})
            as days_in_season,
        {%- for number in range(1, 5) %}
        count(*) filter (where quarter_number = {{ number }}) as quarter_{{ number }}_days,
        {%- endfor %}
        {%- for period in [
            'winter_sales', 'summer_sales', 'back_to_school', 'christmas_gifts'
        ] %}
        count(*) filter (where period = '{{ period }}') as {{ period }}_days,
        {%- endfor %}
        max(last_ordered_at) as last_event_at
    from known
    group by customer_key, cutoff_name

),

final as (

    select
        customer_key,
        cutoff_name,
        case when tenure_days >= 365 then season_days end
            as season_frequency_last_year,
        case when tenure_days >= 365 then season_revenue end
            as season_monetary_last_year,
        days_in_season / frequency as season_share,
        {%- for number in range(1, 5) %}
        quarter_{{ number }}_days / frequency as quarter_{{ number }}_share,
        {%- endfor %}
        {%- for period in [
            'winter_sales', 'summer_sales', 'back_to_school', 'christmas_gifts'
        ] %}
        {{ period }}_days / frequency as {{ period }}_share,
        {%- endfor %}
        last_event_at
    from summed

)

select * from final
