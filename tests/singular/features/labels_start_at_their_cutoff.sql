-- Every labelled purchase lies in [cutoff, cutoff + horizon). A row here is leakage, or an outcome
-- counted for the wrong window.
select
    labels.customer_key,
    labels.cutoff_name,
    labels.next_purchased_on
from {{ ref('int_customer_labels') }} as labels
inner join {{ ref('int_cutoffs') }} as cutoffs on labels.cutoff_name = cutoffs.cutoff_name
where
    labels.next_purchased_on < cutoffs.cutoff_on
    or labels.next_purchased_on >= cutoffs.label_ends_on
