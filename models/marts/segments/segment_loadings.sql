-- One row per view, prepared feature and factor: what hangs together in what customers do.
with loadings as (

    select * from {{ ref('ml_segment_loadings') }}

),

-- Of a handful of customers even a correlation tells something.
final as (

    select
        view as segment_view,
        feature,
        factor,
        label_en as feature_label,
        label_fr as feature_label_fr,
        method,
        loading,
        communality,
        variance_share,
        eigenvalue,
        eigenvalue_of_chance,
        kaiser_factors,
        parallel_factors,
        used_for_clustering,
        customers
    from loadings
    where not {{ is_under_floor('customers') }}

)

select * from final
