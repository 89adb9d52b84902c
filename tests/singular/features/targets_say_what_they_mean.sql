-- Every target names an event and a condition that exist, and a window no longer than cutoffs are
-- apart. A row here has no labels, or labels that overlap those of the next cutoff.
select *
from {{ ref('propensity_targets') }}
where
    event not in (
        {%- for event in target_events() %}
        '{{ event }}'{{ "," if not loop.last }}
        {%- endfor %}
    )
    or eligibility not in (
        {%- for name in target_conditions() %}
        '{{ name }}'{{ "," if not loop.last }}
        {%- endfor %}
    )
    or horizon_days > {{ var('horizon_days') }}
    or (at_least is null) = (top_share is null)
