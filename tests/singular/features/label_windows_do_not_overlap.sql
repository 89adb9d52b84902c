-- The label window of a cutoff ends before that of the next one begins. A row here counts one
-- outcome twice, and what a model learns at one cutoff is the answer at the next.
with windows as (

    select distinct
        target,
        cutoff_on,
        label_ends_on
    from {{ ref('int_customer_labels') }}

)

select
    earlier.target,
    earlier.cutoff_on,
    earlier.label_ends_on,
    later.cutoff_on as next_cutoff_on
from windows as earlier
inner join windows as later
    on
        earlier.target = later.target
        and earlier.cutoff_on < later.cutoff_on
        and earlier.label_ends_on > later.cutoff_on
