-- One row per target and feature that the champion uses, or was offered and does without.
with importances as (

    select * from {{ ref('ml_propensity_importances') }}

),

features as (

    select * from {{ ref('int_features_labelled') }}

),

-- Figures on fewer rows than the floor tell too much of each.
protected as (

    select
        *,
        coalesce({{ is_under_floor('judged_rows') }}, false) as is_withheld
    from importances

),

final as (

    select
        protected.target,
        protected.feature,
        features.label_en as feature_label,
        features.label_fr as feature_label_fr,
        protected.is_used,
        protected.dropped_because,
        protected.importance_rank,
        {%- for figure in ['importance', 'ci_low', 'ci_high', 'mean_absolute_effect'] %}
        case when not protected.is_withheld then protected.{{ figure }} end as {{ figure }},
        {%- endfor %}
        protected.direction,
        case protected.direction
            when 'raises' then 'A higher value raises the probability'
            when 'lowers' then 'A higher value lowers the probability'
            when 'mixed' then 'It depends on the other features, or on the range'
        end as direction_words,
        case protected.direction
            when 'raises' then 'Une valeur plus élevée augmente la probabilité'
            when 'lowers' then 'Une valeur plus élevée diminue la probabilité'
            when 'mixed' then 'Cela dépend des autres variables, ou de la plage de valeurs'
        end as direction_words_fr,
        protected.judged_rows,
        protected.model_id
    from protected
    left join features on protected.feature = features.feature

)

select * from final
