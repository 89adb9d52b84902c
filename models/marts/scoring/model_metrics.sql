-- One row per model, split and metric.
with metrics as (

    select * from {{ ref('ml_propensity_metrics') }}

),

final as (

    select
        model_id,
        target,
        algorithm,
        role,
        split,
        metric,
        value,
        ci_low,
        ci_high,
        is_champion
    from metrics

)

select * from final
