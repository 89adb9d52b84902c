-- A feature or score moved moderately, further than chance and than it usually does. Ask what
-- changed in the shop or in the source that feeds it, before the scores are used.
{{ config(severity='warn') }}

select
    comparison,
    feature,
    psi,
    finding
from {{ ref('feature_drift') }}
where alarm = 'moderate'
