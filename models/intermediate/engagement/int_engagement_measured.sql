-- One row per customer_key and cutoff: how engaged, and at what stage of the customer's life.
with customers as (

    select * from {{ ref('int_customers_merged') }}

),

activity_days as (

    select * from {{ ref('int_activity_days') }}

),

weights as (

    select * from {{ ref('engagement_weights') }}

),

cutoffs as (

    select * from {{ ref('int_cutoffs') }}

),

-- Each activity fades: it counts half after every half-life.
measured as (

    select
        activity_days.customer_key,
        cutoffs.cutoff_name,
        sum(
            weights.weight
            * activity_days.quantity
            * power(
                0.5,
                {{ days_between('activity_days.happened_on', 'cutoffs.cutoff_on') }}
                / cast(weights.half_life_days as double)
            )
        ) as engagement_points,
        min(activity_days.happened_on) as first_activity_on,
        max(case when weights.is_interaction then activity_days.happened_on end)
            as last_interaction_on,
        max(activity_days.last_known_at) as last_event_at
    from activity_days
    inner join weights on activity_days.activity = weights.activity
    inner join cutoffs on activity_days.known_on < cutoffs.cutoff_on
    group by activity_days.customer_key, cutoffs.cutoff_name

),

dated as (

    select
        customers.customer_key,
        cutoffs.cutoff_name,
        cutoffs.cutoff_on,
        -- Rounded, since a sum of fractions depends on its order in the last digits.
        round(coalesce(measured.engagement_points, 0), 6) as engagement_points,
        least(
            coalesce(cast(customers.first_recorded_at as date), measured.first_activity_on),
            coalesce(measured.first_activity_on, cast(customers.first_recorded_at as date))
        ) as first_seen_on,
        measured.last_interaction_on,
        measured.last_event_at
    from customers
    cross join cutoffs
    left join measured
        on
            customers.customer_key = measured.customer_key
            and cutoffs.cutoff_name = measured.cutoff_name

),

aged as (

    select
        *,
        {{ days_between('first_seen_on', 'cutoff_on') }} as days_since_first_seen,
        {{ days_between('last_interaction_on', 'cutoff_on') }} as days_since_interaction
    from dated

),

final as (

    select
        customer_key,
        cutoff_name,
        engagement_points,
        100 * engagement_points / (engagement_points + {{ var('engagement_midpoint') }})
            as engagement_score,
        case
            when days_since_first_seen between 0 and {{ var('lifecycle_active_days') }} then 'new'
            when days_since_interaction <= {{ var('lifecycle_active_days') }} then 'active'
            when days_since_interaction <= {{ var('lifecycle_cooling_days') }} then 'cooling'
            else 'inactive'
        end as lifecycle,
        first_seen_on,
        last_interaction_on,
        last_event_at
    from aged

)

select * from final
