-- One row per customer_key and cutoff with a purchase before it: recency, frequency, value, rhythm.
with order_days as (

    select * from {{ ref('int_order_days') }}

),

cutoffs as (

    select * from {{ ref('int_cutoffs') }}

),

known as (

    select
        order_days.*,
        cutoffs.cutoff_name,
        cutoffs.split,
        cutoffs.cutoff_on,
        order_days.ordered_on >= {{ add_days('cutoffs.cutoff_on', -90) }} as is_last_90_days,
        order_days.ordered_on >= {{ add_days('cutoffs.cutoff_on', -365) }} as is_last_365_days,
        case when order_days.is_purchase_day then order_days.ordered_on end as purchased_on
    from order_days
    inner join cutoffs on order_days.ordered_on < cutoffs.cutoff_on

),

summed as (

    select
        customer_key,
        cutoff_name,
        split,
        cutoff_on,
        min(purchased_on) as first_purchased_on,
        max(purchased_on) as last_purchased_on,
        count(purchased_on) as frequency,
        count(purchased_on) filter (where is_last_365_days) as frequency_365d,
        count(purchased_on) filter (where is_last_90_days) as frequency_90d,
        sum(purchases) as purchases,
        sum(web_purchases) as web_purchases,
        sum(store_purchases) as store_purchases,
        sum(items) as items,
        sum(gross_revenue) as gross_revenue,
        sum(discount_revenue) as discount_revenue,
        sum(returned_revenue) as returned_revenue,
        sum(net_revenue) as monetary,
        sum(case when is_last_365_days then net_revenue else 0 end) as monetary_365d,
        sum(case when is_last_90_days then net_revenue else 0 end) as monetary_90d,
        sum(costed_revenue) as costed_revenue,
        sum(costed_margin) as costed_margin,
        count(purchased_on) filter (where extract(month from purchased_on) in (7, 8))
            as summer_days,
        count(purchased_on) filter (where extract(month from purchased_on) in (11, 12))
            as christmas_days,
        count(purchased_on) filter (where {{ iso_day_of_week('purchased_on') }} >= 6)
            as weekend_days,
        max(case when returned_revenue > 0 then ordered_on end) as last_returned_on,
        max(last_ordered_at) as last_event_at
    from known
    group by customer_key, cutoff_name, split, cutoff_on
    having count(purchased_on) > 0

),

dated as (

    select
        *,
        {{ days_between('last_purchased_on', 'cutoff_on') }} as recency_days,
        {{ days_between('first_purchased_on', 'cutoff_on') }} as tenure_days,
        {{ days_between('last_returned_on', 'cutoff_on') }} as days_since_return,
        {{ days_between('first_purchased_on', 'last_purchased_on') }}
        / nullif(cast(frequency - 1 as double), 0) as mean_interpurchase_days,
        {{ margin_rate_of('monetary', 'costed_revenue', 'costed_margin') }} as margin_rate
    from summed

),

final as (

    select
        customer_key,
        cutoff_name,
        split,
        cutoff_on,
        first_purchased_on,
        last_purchased_on,
        recency_days,
        tenure_days,
        frequency,
        frequency_365d,
        frequency_90d,
        monetary,
        monetary_365d,
        monetary_90d,
        -- Where some articles have no cost on record, at the rate of those that have.
        case
            when costed_revenue = monetary then cast(costed_margin as double)
            else margin_rate * monetary
        end as margin,
        margin_rate,
        gross_revenue,
        cast(gross_revenue - discount_revenue as double) / purchases as average_order_value,
        items / cast(purchases as double) as items_per_order,
        mean_interpurchase_days,
        recency_days / nullif(mean_interpurchase_days, 0) as lateness_ratio,
        discount_revenue / nullif(cast(gross_revenue as double), 0) as discount_rate,
        least(returned_revenue / nullif(cast(gross_revenue as double), 0), 1) as return_rate,
        days_since_return,
        web_purchases / nullif(cast(web_purchases + store_purchases as double), 0)
            as web_order_share,
        summer_days / cast(frequency as double) as summer_share,
        christmas_days / cast(frequency as double) as christmas_share,
        weekend_days / cast(frequency as double) as weekend_share,
        last_event_at
    from dated

)

select * from final
