-- Of all candidates of a view in a run exactly one is chosen.
select
    segment_view,
    as_of_date,
    count(*) filter (where is_chosen) as chosen
from {{ ref('segment_quality') }}
group by segment_view, as_of_date
having count(*) filter (where is_chosen) <> 1
