-- A champion ranks worse, or is worse calibrated, than when it was promoted, beyond noise. Do not
-- use its scores until another is promoted: model_registry says why that was done or refused.
{{ config(severity='warn') }}

select
    target,
    metric,
    value,
    finding
from {{ ref('model_decay') }}
where is_alarm
