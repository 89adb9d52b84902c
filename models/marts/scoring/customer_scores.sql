-- One row per customer_key and target the customer is eligible for.
{% set ranks = [1, 2, 3] -%}
with scores as (

    select * from {{ ref('ml_propensity_scores') }} where cutoff_name = 'score'

),

score_bands as (

    select * from {{ ref('score_bands') }}

),

features as (

    select * from {{ ref('int_features_labelled') }}

),

category_labels as (

    select * from {{ ref('category_labels') }}

),

positioned as (

    select
        *,
        {{ tenth_from_top(mid_rank('probability', 'asc', partition='target')) }} as decile
    from scores

),

-- A level that is a product category is called as people call it.
levelled as (

    select
        positioned.*,
        {%- for rank in ranks %}
        {%- for language in ['en', 'fr'] %}
        coalesce(
            category_{{ rank }}.label_{{ language }}, positioned.driver_{{ rank }}_level
        ) as driver_{{ rank }}_level_{{ language }},
        {%- endfor %}
        {%- endfor %}
        score_bands.band
    from positioned
    left join score_bands on positioned.decile = score_bands.decile
    {%- for rank in ranks %}
    left join category_labels as category_{{ rank }}
        on
            positioned.driver_{{ rank }}_level = category_{{ rank }}.category
            and positioned.driver_{{ rank }}_feature in ('favourite_category', 'newest_category')
    {%- endfor %}

),

final as (

    select
        levelled.customer_key,
        levelled.target,
        levelled.probability,
        levelled.decile,
        levelled.band,
        {%- for language, suffix in [('en', ''), ('fr', '_fr')] %}
        {%- for rank in ranks %}
        {{ driver_in_words('levelled.driver_' ~ rank, 'feature_' ~ rank, language) }}
            as {{ "driver_" ~ rank ~ suffix }},
        {%- endfor %}
        {%- endfor %}
        {%- for rank in ranks %}
        levelled.driver_{{ rank }}_feature,
        levelled.driver_{{ rank }}_effect,
        {%- endfor %}
        levelled.other_effect,
        levelled.base_log_odds,
        levelled.log_odds,
        levelled.model_id
    from levelled
    left join features as feature_1 on levelled.driver_1_feature = feature_1.feature
    left join features as feature_2 on levelled.driver_2_feature = feature_2.feature
    left join features as feature_3 on levelled.driver_3_feature = feature_3.feature

)

select * from final
