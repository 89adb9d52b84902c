-- Who was in a segment at the run before is somewhere now: the shares of each sum to one, but for
-- what rounding takes (half a floor each) and what is withheld (less than a floor each).
select
    as_of_date,
    from_segment_id,
    sum(share) as share
from {{ ref('segment_migrations') }}
group by as_of_date, from_segment_id
having
    abs(sum(share) - 1)
    > ((count(*) + 1) / 2.0 + sum(case when is_withheld then 1 else 0 end))
    * {{ var('k_anonymity') }} * max(share / customers)
