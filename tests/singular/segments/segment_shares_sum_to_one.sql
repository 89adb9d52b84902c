-- The customers of all segments of a view are those who were clustered in it, and their shares sum
-- to one, for every feature; of segments that are withheld there is none of both, and the rest sums
-- to less. Anything else means that a segment was lost or counted twice on the way.
with clustered as (

    select
        view,
        segment_id,
        count(*) as customers
    from {{ ref('ml_customer_clusters') }}
    group by view, segment_id

),

everybody as (

    select
        view,
        sum(customers) as customers
    from clustered
    group by view

),

profiled as (

    select
        profiles.segment_view,
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
    inner join everybody on profiles.segment_view = everybody.view
    left join clustered
        on
            profiles.segment_view = clustered.view
            and profiles.segment_id = clustered.segment_id
    where profiles.segment_level = 'segment'
    group by profiles.segment_view, profiles.feature

)

select profiled.*
from profiled
inner join everybody on profiled.segment_view = everybody.view
where
    profiled.customers <> everybody.customers
    or abs(profiled.total_share - 1) > 0.000001
    or profiled.segments_wrong > 0
