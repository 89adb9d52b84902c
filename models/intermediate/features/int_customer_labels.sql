-- One row per customer_key, cutoff and target the customer is eligible for: what happened next.
with purchases as (

    select * from {{ ref('int_purchases_measured') }}

),

cutoffs as (

    select * from {{ ref('int_cutoffs') }}

),

order_days as (

    select * from {{ ref('int_order_days') }} where is_purchase_day

),

next_purchases as (

    select
        order_days.customer_key,
        cutoffs.cutoff_name,
        min(order_days.ordered_on) as next_purchased_on
    from order_days
    inner join cutoffs
        on
            order_days.ordered_on >= cutoffs.cutoff_on
            and order_days.ordered_on < cutoffs.label_ends_on
    group by order_days.customer_key, cutoffs.cutoff_name

),

outcomes as (

    select
        purchases.customer_key,
        purchases.cutoff_name,
        purchases.split,
        purchases.cutoff_on,
        purchases.mean_interpurchase_days,
        purchases.recency_days,
        next_purchases.next_purchased_on,
        -- What follows the as-of date is not known yet.
        case
            when purchases.split <> 'score' then next_purchases.next_purchased_on is not null
        end as has_purchased
    from purchases
    left join next_purchases
        on
            purchases.customer_key = next_purchases.customer_key
            and purchases.cutoff_name = next_purchases.cutoff_name

),

final as (

    select
        customer_key,
        cutoff_name,
        split,
        cutoff_on,
        'purchase' as target,
        has_purchased as label,
        next_purchased_on
    from outcomes

    union all

    -- Churn can be said only of a customer in rhythm: one whose own mean gap and present gap both
    -- fit into the horizon, so that a whole horizon without a purchase is a break.
    select
        customer_key,
        cutoff_name,
        split,
        cutoff_on,
        'churn' as target,
        not has_purchased as label,
        next_purchased_on
    from outcomes
    where
        mean_interpurchase_days <= {{ var('horizon_days') }}
        and recency_days <= {{ var('horizon_days') }}

)

select * from final
