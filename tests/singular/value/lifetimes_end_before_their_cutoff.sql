-- No lifetime has seen an event at or after its cutoff. A row here is leakage: p_alive and expected
-- purchases are features.
select
    customer_key,
    cutoff_name,
    cutoff_on,
    last_event_at
from {{ ref('ml_customer_lifetimes') }}
where last_event_at >= cutoff_on
