-- Who was in a segment at the run before is somewhere now: the shares of each sum to one, where
-- none is withheld.
select
    as_of_date,
    from_segment_id,
    sum(share) as share
from {{ ref('segment_migrations') }}
group by as_of_date, from_segment_id
having abs(sum(share) - 1) > 1e-9 and not bool_or(is_withheld)
