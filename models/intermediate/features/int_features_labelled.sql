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
        replace(
            ranked.label_en,
            coalesce('category ' || cast(categories.category_rank as string), '?'),
            coalesce(category_labels.label_en, categories.category, '')
        ) as label_en,
        replace(
            ranked.label_fr,
            coalesce('catégorie ' || cast(categories.category_rank as string), '?'),
            coalesce(category_labels.label_fr, categories.category, '')
        ) as label_fr,
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
