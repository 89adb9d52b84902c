-- A row here is a published loading with fewer than k_anonymity customers behind it: do not publish
-- it.
select
    loadings.segment_view,
    loadings.feature,
    loadings.factor
from {{ ref('segment_loadings') }} as loadings
inner join {{ ref('ml_segment_loadings') }} as behind
    on
        loadings.segment_view = behind.view
        and loadings.feature = behind.feature
        and loadings.factor = behind.factor
where {{ is_under_floor('behind.customers') }}
