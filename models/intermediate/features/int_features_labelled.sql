-- One row per feature: what it is called and how its value is written.
with definitions as (

    select * from {{ ref('feature_definitions') }}

),

words as (

    select * from {{ ref('feature_words') }}

),

units as (

    select * from {{ ref('feature_units') }}

),

categories as (

    select * from {{ ref('int_categories_ranked') }}

),

category_labels as (

    select * from {{ ref('category_labels') }}

),

ranked as (

    select
        *,
        {{ matches_regex('feature', '^taste_[0-9]+$') }} as is_taste,
        case
            when {{ matches_regex('feature', '^taste_[0-9]+$') }}
                then cast(replace(feature, 'taste_', '') as integer)
        end as category_rank
    from definitions

),

final as (

    select
        ranked.feature,
        ranked.kind,
        ranked.source_table,
        -- The seed says "category 3", the data which one that is.
        {%- for language, word in [('en', 'category'), ('fr', 'catégorie')] %}
        case
            when categories.category is null then ranked.label_{{ language }}
            else replace(
                ranked.label_{{ language }},
                '{{ word }} ' || cast(categories.category_rank as string),
                coalesce(category_labels.label_{{ language }}, categories.category)
            )
        end as label_{{ language }},
        {%- endfor %}
        {{ seed_text('coalesce(units.unit, words.unit)') }} as unit,
        units.band_width
    from ranked
    left join categories on ranked.category_rank = categories.category_rank
    left join category_labels on categories.category = category_labels.category
    left join words
        on case when ranked.is_taste then 'taste' else ranked.feature end = words.feature
    left join units on ranked.feature = units.feature

)

select * from final
