-- What followed a cutoff happened on or after it and before the horizon ends, and of the score
-- cutoff nothing is known. A row here is a model that learns from what it is to predict.
select
    customer_key,
    cutoff_name,
    cutoff_on,
    first_event_on
from {{ ref('int_value_outcomes') }}
where
    first_event_on < cutoff_on
    or first_event_on >= label_ends_on
    or (split = 'score' and (purchases is not null or net_revenue is not null))
