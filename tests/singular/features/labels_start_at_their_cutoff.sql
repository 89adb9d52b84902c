-- Every labelled event lies in [cutoff, end of the target's window). A row here is leakage, or an
-- outcome counted for the wrong window.
select
    customer_key,
    cutoff_name,
    target,
    first_event_on
from {{ ref('int_customer_labels') }}
where first_event_on < cutoff_on or first_event_on >= label_ends_on
