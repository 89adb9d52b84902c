-- Every target names an event and a condition that exist, and a window no longer than cutoffs are
-- apart. A row here has no labels, or labels that overlap those of the next cutoff.
select *
from {{ ref('propensity_targets') }}
where
    event not in ('{{ target_events().keys() | join("', '") }}')
    or eligibility not in ('{{ target_conditions().keys() | join("', '") }}')
    or horizon_days > {{ var('horizon_days') }}
    or (at_least is null) = (top_share is null)
