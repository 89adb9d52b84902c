-- The squared loadings of a feature add up to its communality, and those of a factor to its share of
-- the variance of all features. A row here is a loading that belongs to another solution.
with loadings as (

    select
        view,
        feature,
        factor,
        loading * loading as explained,
        communality,
        variance_share
    from {{ ref('segment_loadings') }}

)

select
    view,
    feature as part,
    max(communality) as said,
    sum(explained) as found
from loadings
group by view, feature
having abs(max(communality) - sum(explained)) > 0.000001

union all

select
    view,
    cast(factor as string) as part,
    max(variance_share) as said,
    avg(explained) as found
from loadings
group by view, factor
having abs(max(variance_share) - avg(explained)) > 0.000001
