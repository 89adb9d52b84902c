-- A row here is a published loading with fewer than k_anonymity customers behind it. Do not publish.
select
    loadings.view,
    loadings.feature,
    loadings.factor
from {{ ref('segment_loadings') }} as loadings
inner join {{ ref('ml_segment_loadings') }} as behind
    on
        loadings.view = behind.view
        and loadings.feature = behind.feature
        and loadings.factor = behind.factor
where {{ is_under_floor('behind.customers') }}
