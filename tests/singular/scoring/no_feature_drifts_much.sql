-- A feature or score moved so much that the models may not hold for today's customers. Mend the
-- source, or if the shop did change, see in model_registry whether new models were promoted.
{{ config(severity='warn') }}

select
    comparison,
    feature,
    psi,
    finding
from {{ ref('feature_drift') }}
where alarm = 'major'
