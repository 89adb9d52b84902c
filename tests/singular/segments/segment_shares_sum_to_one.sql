-- The shares of the segments sum to one for every level and feature. Anything else means a segment
-- was lost or counted twice between the clusters and their profiles.
select
    segment_level,
    feature,
    sum(customer_share) as total_share
from {{ ref('segment_profiles') }}
group by segment_level, feature
having abs(sum(customer_share) - 1) > 0.000001
