-- The last train label window closes no later than the test cutoff, and no label window reaches
-- past the as-of date. A row here lets the model train on the answers of its own examination.
with cutoffs as (

    select * from {{ ref('int_cutoffs') }}

),

limits as (

    select
        min(case when split = 'test' then cutoff_on end) as test_on,
        min(case when split = 'score' then cutoff_on end) as score_on
    from cutoffs

)

select cutoffs.*
from cutoffs
cross join limits
where
    (cutoffs.split = 'train' and cutoffs.label_ends_on > limits.test_on)
    or (cutoffs.split <> 'score' and cutoffs.label_ends_on > limits.score_on)
