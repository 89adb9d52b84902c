-- A row here is a champion that is worse out of time than recency alone, beyond noise: whoever
-- sorts customers by their last purchase does better. Do not act on its scores; train anew (var
-- propensity_retrain: always), or take it back with rollback_model.
{{ config(severity='warn') }}

select
    target,
    model_id,
    value,
    ci_low,
    ci_high
from {{ ref('model_metrics') }}
where
    is_champion
    and split = 'out_of_time'
    and metric = 'gain_over_recency_alone'
    and ci_high < 0
