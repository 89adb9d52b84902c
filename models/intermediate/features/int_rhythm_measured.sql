-- One row per customer_key and cutoff with a purchase before it: gaps between purchases, baskets.
with purchase_days as (

    select * from {{ ref('int_order_days') }} where is_purchase_day

),

cutoffs as (

    select * from {{ ref('int_cutoffs') }}

),

-- A gap is known on the day that ends it, whatever the cutoff.
followed as (

    select
        customer_key,
        ordered_on,
        last_ordered_at,
        items,
        cast(gross_revenue - discount_revenue as decimal(18, 2)) as order_value,
        discount_revenue > 0 as is_discounted,
        case
            when web_purchases > 0 and store_purchases > 0 then 'both'
            when web_purchases > 0 then 'web'
            when store_purchases > 0 then 'store'
        end as channel,
        cast(
            {{ days_between(
                'lag(ordered_on) over (partition by customer_key order by ordered_on)', 'ordered_on'
            ) }} as bigint
        ) as gap_days
    from purchase_days

),

-- Squares of whole numbers and decimals: their sums are exact, whatever the order of the rows.
summed as (

    select
        followed.customer_key,
        cutoffs.cutoff_name,
        min({{ days_between('followed.ordered_on', 'cutoffs.cutoff_on') }}) as recency_days,
        count(*) as frequency,
        count(followed.gap_days) as gaps,
        cast(sum(followed.gap_days) as double) as gap_sum,
        cast(sum(followed.gap_days * followed.gap_days) as double) as gap_squares,
        max_by(followed.gap_days, followed.ordered_on) as last_gap_days,
        cast(sum(followed.order_value) as double) as value_sum,
        cast(sum(followed.order_value * followed.order_value) as double) as value_squares,
        cast(max(followed.order_value) as double) as largest_order_value,
        cast(max_by(followed.order_value, followed.ordered_on) as double) as last_order_value,
        max_by(followed.items, followed.ordered_on) as last_order_items,
        max_by(followed.channel, followed.ordered_on)
        filter (where followed.channel is not null) as last_channel,
        count(*) filter (where followed.is_discounted) as discounted_days,
        max(followed.last_ordered_at) as last_event_at
    from followed
    inner join cutoffs on followed.ordered_on < cutoffs.cutoff_on
    group by followed.customer_key, cutoffs.cutoff_name

),

-- Rounding takes away what the subtraction of two large numbers leaves of a spread of nothing.
spread as (

    select
        *,
        gap_sum / nullif(gaps, 0) as mean_gap_days,
        case
            when gaps > 1
                then
                    round(
                        sqrt(
                            greatest(gap_squares - gap_sum * gap_sum / gaps, 0)
                            / cast(gaps - 1 as double)
                        ), 6
                    )
        end as gap_spread_days,
        case
            when frequency > 1
                then
                    round(
                        sqrt(
                            greatest(value_squares - value_sum * value_sum / frequency, 0)
                            / cast(frequency - 1 as double)
                        ), 4
                    )
        end as order_value_spread
    from summed

),

final as (

    select
        customer_key,
        cutoff_name,
        gap_spread_days,
        gap_spread_days / nullif(mean_gap_days, 0) as gap_variation,
        last_gap_days,
        mean_gap_days - recency_days as days_to_expected_purchase,
        case
            when gap_spread_days is not null
                then (recency_days - mean_gap_days) / greatest(gap_spread_days, 1)
        end as rhythm_deviation,
        largest_order_value,
        last_order_value,
        order_value_spread,
        case
            when frequency > 1
                then
                    last_order_value
                    / nullif((value_sum - last_order_value) / cast(frequency - 1 as double), 0)
        end as order_value_growth,
        last_order_items,
        last_channel,
        discounted_days / cast(frequency as double) as discounted_share,
        last_event_at
    from spread

)

select * from final
