-- A feature of a champion is used, with a rank, or dropped, with a reason; never both or neither.
select
    target,
    feature
from {{ ref('model_features') }}
where
    (is_used and (importance_rank is null or dropped_because is not null))
    or (not is_used and (importance_rank is not null or dropped_because is null))
