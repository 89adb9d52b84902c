-- Of all candidates of a level exactly one is chosen.
select
    segment_level,
    count(*) filter (where is_chosen) as chosen
from {{ ref('segment_quality') }}
group by segment_level
having count(*) filter (where is_chosen) <> 1
