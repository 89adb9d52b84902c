-- One row per segment level, segment and feature.
with profiles as (

    select * from {{ ref('ml_segment_profiles') }}

),

segment_names as (

    select * from {{ ref('ml_segment_names') }}

),

final as (

    select
        profiles.level as segment_level,
        profiles.segment_id,
        profiles.feature,
        segment_names.segment,
        segment_names.segment_fr,
        segment_names.description as segment_description,
        segment_names.description_fr as segment_description_fr,
        segment_names.evidence as segment_evidence,
        profiles.label_en as feature_label,
        profiles.label_fr as feature_label_fr,
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

)

select * from final
