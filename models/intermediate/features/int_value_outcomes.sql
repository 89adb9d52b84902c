-- One row per customer_key and cutoff with a purchase before it: what was bought in the horizon.
with lifetimes as (

    select * from {{ ref('int_lifetimes_measured') }}

),

cutoffs as (

    select * from {{ ref('int_cutoffs') }}

),

order_days as (

    select * from {{ ref('int_order_days') }}

),

followed as (

    select
        order_days.customer_key,
        cutoffs.cutoff_name,
        count(*) filter (where order_days.is_purchase_day) as purchases,
        sum(
            case
                when order_days.is_purchase_day
                    then order_days.gross_revenue - order_days.discount_revenue
            end
        ) as sold_revenue,
        sum(order_days.net_revenue) as net_revenue,
        min(order_days.ordered_on) as first_event_on
    from order_days
    inner join cutoffs
        on
            order_days.ordered_on >= cutoffs.cutoff_on
            and order_days.ordered_on < cutoffs.label_ends_on
    where cutoffs.split <> 'score'
    group by order_days.customer_key, cutoffs.cutoff_name

),

-- What follows the as-of date is not known yet; elsewhere nothing means none.
final as (

    select
        lifetimes.customer_key,
        lifetimes.cutoff_name,
        cutoffs.split,
        lifetimes.cutoff_on,
        cutoffs.label_ends_on,
        lifetimes.may_be_profiled,
        lifetimes.x,
        lifetimes.t_x,
        lifetimes.t,
        case when cutoffs.split <> 'score' then coalesce(followed.purchases, 0) end as purchases,
        case
            when cutoffs.split <> 'score'
                then cast(coalesce(followed.sold_revenue, 0) as double)
        end as sold_revenue,
        case
            when cutoffs.split <> 'score'
                then cast(coalesce(followed.net_revenue, 0) as double)
        end as net_revenue,
        followed.first_event_on
    from lifetimes
    inner join cutoffs on lifetimes.cutoff_name = cutoffs.cutoff_name
    left join followed
        on
            lifetimes.customer_key = followed.customer_key
            and lifetimes.cutoff_name = followed.cutoff_name

)

select * from final
