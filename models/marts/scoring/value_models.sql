-- One row per as-of date and model of customer value: parameters, figures and why it was chosen.
with models as (

    select * from {{ ref('ml_value_models') }}

),

totals as (

    select * from {{ ref('ml_value_totals') }}

),

final as (

    select
        models.as_of_date,
        models.model,
        models.predicts,
        models.model_id,
        models.role,
        models.is_champion,
        models.decision,
        models.decision_reason,
        models.reason,
        models.trained_on,
        models.trained_rows,
        models.test_rows,
        totals.expected_total,
        totals.actual_total,
        totals.total_ratio,
        totals.total_ratio_low,
        totals.total_ratio_high,
        models.features,
        models.parameters,
        models.standard_errors,
        models.log_likelihood,
        models.converged,
        models.warnings,
        models.metrics,
        models.data_fingerprint,
        models.code_fingerprint,
        models.artefact_sha256
    from models
    left join totals
        on models.as_of_date = totals.as_of_date and models.model = totals.model

)

select * from final
