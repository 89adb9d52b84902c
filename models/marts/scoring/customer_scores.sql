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

-- A level that is a product category is called as people call it; a share is told in percent.
levelled as (

    select
        positioned.*,
        {%- for rank in ranks %}
        coalesce(category_{{ rank }}.label_en, positioned.driver_{{ rank }}_level)
            as level_{{ rank }}_en,
        coalesce(category_{{ rank }}.label_fr, positioned.driver_{{ rank }}_level)
            as level_{{ rank }}_fr,
        feature_{{ rank }}.label_en as label_{{ rank }}_en,
        feature_{{ rank }}.label_fr as label_{{ rank }}_fr,
        feature_{{ rank }}.unit as unit_{{ rank }},
        feature_{{ rank }}.band_width as band_width_{{ rank }},
        case when feature_{{ rank }}.unit = 'percent' then 100 else 1 end
        * positioned.driver_{{ rank }}_value as value_{{ rank }},
        floor(positioned.driver_{{ rank }}_value / feature_{{ rank }}.band_width)
        * feature_{{ rank }}.band_width as band_starts_{{ rank }},
        {%- endfor %}
        score_bands.band
    from positioned
    left join score_bands on positioned.decile = score_bands.decile
    {%- for rank in ranks %}
    left join features as feature_{{ rank }}
        on positioned.driver_{{ rank }}_feature = feature_{{ rank }}.feature
    left join category_labels as category_{{ rank }}
        on
            category_{{ rank }}.category
            = case
                when
                    positioned.driver_{{ rank }}_feature
                    in ('favourite_category', 'newest_category')
                    then positioned.driver_{{ rank }}_level
            end
    {%- endfor %}

),

-- The value of a person or of a small area is told as a band.
numbered as (

    select
        {%- for rank in ranks %}
        case
            when band_width_{{ rank }} is null
                then
                    {{ readable_number('value_' ~ rank) }}
                    || case unit_{{ rank }}
                        when 'percent' then ' %'
                        when 'money' then ' {{ var('base_currency') }}'
                        else ''
                    end
            else {{ plain_number('band_starts_' ~ rank) }}
        end as number_{{ rank }},
        {{ plain_number('(band_starts_' ~ rank ~ ' + band_width_' ~ rank ~ ')') }}
            as until_{{ rank }},
        {%- endfor %}
        levelled.*
    from levelled

),

final as (

    select
        customer_key,
        target,
        probability,
        decile,
        band,
        {%- for rank in ranks %}
        label_{{ rank }}_en || ' '
        || coalesce(
            level_{{ rank }}_en,
            number_{{ rank }} || coalesce(' to ' || until_{{ rank }}, ''),
            'unknown'
        )
        || case when driver_{{ rank }}_effect > 0 then ': raises' else ': lowers' end
            as driver_{{ rank }},
        {%- endfor %}
        {%- for rank in ranks %}
        label_{{ rank }}_fr || ' '
        || coalesce(
            level_{{ rank }}_fr,
            {{ in_french('number_' ~ rank) }}
            || coalesce(' à ' || {{ in_french('until_' ~ rank) }}, ''),
            'inconnu'
        )
        || case when driver_{{ rank }}_effect > 0 then ' : augmente' else ' : diminue' end
            as driver_{{ rank }}_fr,
        {%- endfor %}
        {%- for rank in ranks %}
        driver_{{ rank }}_feature,
        driver_{{ rank }}_effect,
        {%- endfor %}
        other_effect,
        base_log_odds,
        log_odds,
        model_id
    from numbered

)

select * from final
