-- A row here is a bin of probabilities that did not come true, by more than chance and more than
-- the tolerance, among enough customers to judge by. Plan no contacts or budgets by them: see in
-- feature_drift what has moved, and train anew (var propensity_retrain).
{{ config(severity='warn') }}

select
    target,
    bin,
    predicted,
    actual,
    ci_low,
    ci_high
from {{ ref('model_reliability') }}
where is_off
