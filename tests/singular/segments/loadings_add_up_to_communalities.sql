-- The squared loadings of a feature add up to its communality, and the mean of those of a factor is
-- its share of the variance. A row here is a loading that belongs to another solution.
with loadings as (

    select
        segment_view,
        feature,
        factor,
        loading * loading as explained,
        communality,
        variance_share
    from {{ ref('segment_loadings') }}

)

select
    segment_view,
    feature as part,
    max(communality) as said,
    sum(explained) as found
from loadings
group by segment_view, feature
having abs(max(communality) - sum(explained)) > 0.000001

union all

select
    segment_view,
    cast(factor as string) as part,
    max(variance_share) as said,
    avg(explained) as found
from loadings
group by segment_view, factor
having abs(max(variance_share) - avg(explained)) > 0.000001
