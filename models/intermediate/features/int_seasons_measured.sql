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

years as (

    select 0 as years_ahead
    union all
    select 1 as years_ahead

),

-- Each period of the year of the cutoff and of the next one.
occurring as (

    select
        cutoffs.cutoff_name,
        cutoffs.cutoff_on,
        {{ add_days('cutoffs.cutoff_on', horizon) }} as horizon_ends_on,
        periods.period,
        make_date(
            cast(extract(year from cutoffs.cutoff_on) as integer) + years.years_ahead,
            periods.starts_month, periods.starts_day
        ) as starts_on,
        make_date(
            cast(extract(year from cutoffs.cutoff_on) as integer) + years.years_ahead,
            periods.ends_month, periods.ends_day
        ) as ends_on
    from cutoffs
    cross join periods
    cross join years

),

-- How much of each period lies in the coming horizon: the calendar is known in advance.
ahead as (

    select
        cutoff_name,
        period,
        sum(
            greatest(
                {{ days_between(
                    'greatest(starts_on, cutoff_on)',
                    'least(' ~ add_days('ends_on', 1) ~ ', horizon_ends_on)'
                ) }},
                0
            )
        ) as days_ahead,
        min({{ days_between('starts_on', 'ends_on') }} + 1) as period_days
    from occurring
    group by cutoff_name, period

),

days_ahead as (

    select
        cutoff_name,
        sum(days_ahead) as period_days_ahead
    from ahead
    group by cutoff_name

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
        {{ days_between('dated.ordered_on', 'cutoffs.cutoff_on') }} as days_ago,
        ahead.days_ahead / cast(ahead.period_days as double) as share_ahead
    from dated
    inner join cutoffs on dated.ordered_on < cutoffs.cutoff_on
    left join ahead
        on cutoffs.cutoff_name = ahead.cutoff_name and dated.period = ahead.period

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
        round(sum(coalesce(share_ahead, 0)), 9) as days_fitting,
        max(last_ordered_at) as last_event_at
    from known
    group by customer_key, cutoff_name

),

final as (

    select
        summed.customer_key,
        summed.cutoff_name,
        case when summed.tenure_days >= 365 then summed.season_days end
            as season_frequency_last_year,
        case when summed.tenure_days >= 365 then summed.season_revenue end
            as season_monetary_last_year,
        summed.days_in_season / summed.frequency as season_share,
        {%- for number in range(1, 5) %}
        summed.quarter_{{ number }}_days / summed.frequency as quarter_{{ number }}_share,
        {%- endfor %}
        {%- for period in [
            'winter_sales', 'summer_sales', 'back_to_school', 'christmas_gifts'
        ] %}
        summed.{{ period }}_days / summed.frequency as {{ period }}_share,
        {%- endfor %}
        summed.days_fitting / summed.frequency as period_fit,
        days_ahead.period_days_ahead,
        summed.last_event_at
    from summed
    left join days_ahead on summed.cutoff_name = days_ahead.cutoff_name

)

select * from final
