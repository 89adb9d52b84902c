-- One row per as-of date and model of customer value: parameters, figures and why it was chosen.
with models as (

    select * from {{ ref('ml_value_models') }}

),

final as (

    select
        as_of_date,
        model,
        predicts,
        model_id,
        role,
        is_champion,
        decision,
        decision_reason,
        reason,
        trained_on,
        trained_rows,
        test_rows,
        features,
        parameters,
        standard_errors,
        log_likelihood,
        converged,
        warnings,
        metrics,
        data_fingerprint,
        code_fingerprint,
        artefact_sha256
    from models

)

select * from final
