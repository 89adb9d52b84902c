-- The customers of all segments are those who were clustered, and their shares sum to one, for
-- every level and feature. Anything else means that a segment was lost or counted twice on the way.
with clustered as (

    select count(*) as customers from {{ ref('ml_customer_clusters') }}

),

profiled as (

    select
        segment_level,
        feature,
        sum(customers) as customers,
        sum(customer_share) as total_share
    from {{ ref('segment_profiles') }}
    group by segment_level, feature

)

select profiled.*
from profiled
cross join clustered
where profiled.customers <> clustered.customers or abs(profiled.total_share - 1) > 0.000001
