-- What follows the as-of date is not known. A label here comes from nowhere.
select *
from {{ ref('int_customer_labels') }}
where split = 'score' and label is not null
