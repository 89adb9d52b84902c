-- No feature has seen an event at or after its cutoff. A row here is leakage: a model trained on it
-- looks better than it is.
select
    customer_key,
    cutoff_name,
    cutoff_on,
    last_event_at
from {{ ref('int_customer_features') }}
where last_event_at >= cutoff_on
