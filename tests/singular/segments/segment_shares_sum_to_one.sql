-- The customers of all segments are those who were clustered, and their shares sum to one, for
-- every view and feature; of segments that are withheld there is none of both, and the rest sums
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
        max(everybody.customers) as all_customers,
        sum(clustered.customers) as customers,
        sum(
            coalesce(
                profiles.customer_share,
                clustered.customers / cast(everybody.customers as double)
            )
        ) as total_share,
        count(*) filter (where profiles.customers <> clustered.customers) as segments_wrong
    from {{ ref('segment_profiles') }} as profiles
    left join clustered
        on
            profiles.segment_view = clustered.view
            and profiles.segment_id = clustered.segment_id
    left join everybody on profiles.segment_view = everybody.view
    where profiles.segment_level = 'segment'
    group by profiles.segment_view, profiles.feature

)

select *
from profiled
where
    customers <> all_customers
    or customers is null
    or abs(total_share - 1) > 0.000001
    or segments_wrong > 0
