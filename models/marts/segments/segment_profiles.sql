-- One row per segment level, segment and feature.
with profiles as (

    select * from {{ ref('ml_segment_profiles') }}

),

segment_names as (

    select * from {{ ref('ml_segment_names') }}

),

feature_definitions as (

    select * from {{ ref('feature_definitions') }}

),

categories as (

    select * from {{ ref('int_categories_ranked') }}

),

final as (

    select
        profiles.level as segment_level,
        profiles.segment_id,
        profiles.feature,
        segment_names.segment,
        segment_names.segment_fr,
        coalesce(
            'Share of spending on ' || categories.category, feature_definitions.label_en
        ) as feature_label,
        coalesce(
            'Part des dépenses en ' || categories.category, feature_definitions.label_fr
        ) as feature_label_fr,
        profiles.customers,
        profiles.customers
        / cast(
            sum(profiles.customers) over (partition by profiles.level, profiles.feature) as double
        ) as customer_share,
        profiles.mean,
        profiles.median,
        profiles.overall_mean,
        profiles.index_vs_all,
        profiles.z,
        profiles.effect_size,
        profiles.p_value,
        profiles.differentiator_rank,
        profiles.is_circular
    from profiles
    left join segment_names
        on
            profiles.level = segment_names.level
            and profiles.segment_id = segment_names.segment_id
    left join feature_definitions on profiles.feature = feature_definitions.feature
    left join categories
        on profiles.feature = 'taste_' || cast(categories.category_rank as string)

)

select * from final
