-- One row per model, level and candidate number of segments that was considered.
with models as (

    select * from {{ ref('ml_segment_models') }}

),

final as (

    select
        model_id,
        level as segment_level,
        candidate,
        k,
        inertia,
        silhouette,
        calinski_harabasz,
        davies_bouldin,
        gap,
        gap_se,
        stability_mean,
        stability_min,
        case
            when not {{ is_under_floor('round(smallest_share * fitted_rows)') }}
                then smallest_share
        end as smallest_share,
        votes,
        fitted_rows,
        reason,
        is_admissible,
        is_chosen
    from models

)

select * from final
