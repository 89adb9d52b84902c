-- The customers of all segments are those who were clustered, and their shares sum to one, for
-- every level and feature; of segments that are withheld there is none of both, and the rest sums
-- to less. Anything else means that a segment was lost or counted twice on the way.
with clustered as (

    select
        segment_id,
        count(*) as customers
    from {{ ref('ml_customer_clusters') }}
    group by segment_id

),

everybody as (

    select sum(customers) as customers from clustered

),

profiled as (

    select
        profiles.segment_level,
        profiles.feature,
        sum(clustered.customers) as customers,
        sum(
            coalesce(
                profiles.customer_share,
                clustered.customers / cast(everybody.customers as double)
            )
        ) as total_share,
        count(*) filter (where profiles.customers <> clustered.customers) as segments_wrong
    from {{ ref('segment_profiles') }} as profiles
    left join clustered on profiles.segment_id = clustered.segment_id
    cross join everybody
    group by profiles.segment_level, profiles.feature

)

select profiled.*
from profiled
cross join everybody
where
    profiled.customers <> everybody.customers
    or abs(profiled.total_share - 1) > 0.000001
    or profiled.segments_wrong > 0
