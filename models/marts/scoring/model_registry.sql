-- One row per model_id: every model that was trained, from its training to its retirement.
with propensity_models as (

    select * from {{ ref('ml_propensity_models') }}

),

value_models as (

    select * from {{ ref('ml_value_models') }}

),

as_of as (

    select as_of_date from {{ ref('int_as_of_date') }}

),

value_reigns as (

    select
        model_id,
        min(as_of_date) as promoted_on
    from value_models
    where is_champion
    group by model_id

),

value_runs as (

    select
        value_models.*,
        value_reigns.promoted_on
    from value_models
    left join value_reigns on value_models.model_id = value_reigns.model_id

),

runs as (

    select
        model_id,
        as_of_date,
        target,
        algorithm,
        role,
        is_champion,
        decision,
        decision_reason,
        reason,
        trained_on,
        promoted_on,
        retired_on,
        trained_rows,
        test_rows,
        auc,
        auc_low,
        auc_high,
        log_loss,
        features,
        parameters,
        data_fingerprint,
        code_fingerprint,
        artefact_sha256
    from propensity_models

    union all

    select
        model_id,
        as_of_date,
        predicts as target,
        model as algorithm,
        role,
        is_champion,
        decision,
        decision_reason,
        reason,
        trained_on,
        promoted_on,
        -- Models of value compete anew in every run.
        case when not is_champion and promoted_on < as_of_date then as_of_date end as retired_on,
        trained_rows,
        test_rows,
        cast(null as double) as auc,
        cast(null as double) as auc_low,
        cast(null as double) as auc_high,
        cast(null as double) as log_loss,
        features,
        parameters,
        data_fingerprint,
        code_fingerprint,
        artefact_sha256
    from value_runs

),

-- What was built for a later date is not known yet.
known as (

    select
        runs.*,
        max(runs.as_of_date) over (partition by runs.target) as target_run_on,
        row_number() over (
            partition by runs.model_id
            order by runs.as_of_date desc nulls last, runs.target asc nulls last
        ) as from_last,
        row_number() over (
            partition by runs.model_id
            order by runs.as_of_date asc nulls last, runs.target asc nulls last
        ) as from_first
    from runs
    inner join as_of on runs.as_of_date <= as_of.as_of_date

),

first_runs as (

    select
        model_id,
        as_of_date as first_run_on,
        decision as first_decision,
        decision_reason as trained_because
    from known
    where from_first = 1

),

final as (

    select
        known.model_id,
        known.target,
        known.algorithm,
        known.role,
        known.is_champion and known.as_of_date = known.target_run_on as is_champion,
        known.trained_on,
        known.promoted_on,
        known.retired_on,
        known.as_of_date as last_run_on,
        first_runs.trained_because,
        known.reason,
        known.decision as last_decision,
        known.decision_reason as last_decision_reason,
        known.trained_rows,
        known.test_rows,
        known.auc,
        known.auc_low,
        known.auc_high,
        known.log_loss,
        known.features,
        known.parameters,
        known.data_fingerprint,
        known.code_fingerprint,
        known.artefact_sha256
    from known
    inner join first_runs on known.model_id = first_runs.model_id
    where
        known.from_last = 1
        -- A run that keeps its champion makes baselines to measure by, and no model.
        and (known.role <> 'baseline' or first_runs.first_decision <> 'kept')

)

select * from final
