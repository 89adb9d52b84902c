-- No training label is of a window that is still open at the test cutoff. A row here lets a model
-- train on the answers of its own examination.
with labels as (

    select * from {{ ref('int_customer_labels') }}

),

tested as (

    select
        target,
        min(cutoff_on) as test_on
    from labels
    where split = 'test'
    group by target

)

select labels.*
from labels
inner join tested on labels.target = tested.target
where labels.split = 'train' and labels.label_ends_on > tested.test_on
