-- Bins, deciles, curve and groups are cut from the same customers: each has all of them and all
-- hits, and profits add up. A row here is a customer lost or counted twice: mend the cut.
with reliability as (

    select
        target,
        sum(customers) as customers,
        sum(hits) as hits
    from {{ ref('ml_propensity_reliability') }}
    group by target

),

gains as (

    select
        target,
        sum(customers) as customers,
        sum(hits) as hits,
        sum(actual_profit) as actual_profit,
        max(case when decile = 10 then cumulative_actual_profit end) as all_contacted
    from {{ ref('ml_propensity_gains') }}
    group by target

),

profits as (

    select * from {{ ref('ml_propensity_profits') }} where percent = 100

),

grouped as (

    select
        target,
        attribute,
        sum(customers) as customers,
        sum(hits) as hits
    from {{ ref('ml_propensity_groups') }}
    group by target, attribute

)

select
    grouped.target,
    grouped.attribute
from grouped
left join reliability on grouped.target = reliability.target
left join gains on grouped.target = gains.target
left join profits on grouped.target = profits.target
where
    reliability.target is null
    or gains.target is null
    or profits.target is null
    or grouped.customers <> reliability.customers
    or grouped.hits <> reliability.hits
    or abs(grouped.customers - gains.customers) > 0.001
    or abs(grouped.hits - gains.hits) > 0.001
    or abs(grouped.hits - profits.hits) > 0.001
    or abs(gains.actual_profit - profits.actual_profit) > 0.01
    or abs(gains.all_contacted - profits.actual_profit) > 0.01
