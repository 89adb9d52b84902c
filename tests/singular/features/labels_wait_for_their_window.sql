-- What follows the as-of date is not known: a label is there from the day on which its window has
-- closed, and not before. A row here has an answer from nowhere, or lost one.
select labels.*
from {{ ref('int_customer_labels') }} as labels
cross join {{ ref('int_as_of_date') }} as as_of
where
    (labels.label is null) = (labels.label_ends_on <= as_of.as_of_date)
    or (labels.split = 'score' and labels.label is not null)
