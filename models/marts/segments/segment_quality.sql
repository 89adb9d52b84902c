-- One row per view, as-of date and candidate segmentation that was considered.
with models as (

    select * from {{ ref('ml_segment_models') }}

),

final as (

    select
        view as segment_view,
        as_of_date,
        candidate,
        algorithm,
        k,
        inertia,
        elbow,
        silhouette,
        silhouette_lower,
        silhouette_upper,
        calinski_harabasz,
        davies_bouldin,
        connectivity,
        gap,
        gap_se,
        bic,
        silhouette_excess,
        calinski_harabasz_excess,
        davies_bouldin_excess,
        connectivity_excess,
        stability_mean,
        stability_min,
        case
            when not {{ is_under_floor('round(smallest_share * judged_rows)') }}
                then smallest_share
        end as smallest_share,
        noise_share,
        agreement,
        votes,
        judged_rows,
        fitted_rows,
        decision,
        decision_reason,
        reason,
        given_up,
        model_id,
        is_admissible,
        is_chosen
    from models

)

select * from final
