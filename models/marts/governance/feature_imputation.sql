-- One row per model and feature it uses: what stands in where it is unknown, and how often.
with imputations as (

    select * from {{ ref('ml_feature_imputations') }}

),

definitions as (

    select * from {{ ref('feature_definitions') }}

),

final as (

    select
        imputations.model,
        imputations.feature,
        imputations.label_en as feature_label,
        imputations.label_fr as feature_label_fr,
        imputations.imputation,
        definitions.imputation_reason,
        imputations.fitted_value,
        imputations.imputed_share_fitted,
        imputations.imputed_share_scored
    from imputations
    left join definitions on imputations.feature = definitions.feature

)

select * from final
