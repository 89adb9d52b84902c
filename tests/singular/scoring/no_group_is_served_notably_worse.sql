-- A row here is a group of customers for whom a champion is notably worse, or whom it passes over,
-- beyond noise. Read why before anyone is chosen by it: a feature that stands in for what people
-- are, a group that is new, data that are missing for some. Then mend the feature, or choose within
-- the group by a threshold of its own.
{{ config(severity='warn') }}

select
    target,
    attribute,
    group_value,
    reading_en
from {{ ref('model_groups') }}
where is_ranked_worse or is_miscalibrated or is_selected_less or is_found_less
