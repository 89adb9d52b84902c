-- One row per segment view, segment level, segment and feature.
with profiles as (

    select * from {{ ref('ml_segment_profiles') }}

),

segments as (

    select * from {{ ref('segments') }}

),

-- A small segment is withheld whole; a feature that few of a segment are known by, in its figures.
protected as (

    select
        *,
        {{ is_withheld_among(
            'customers_known', 'view, level, parent_segment_id, feature', 'segment_id'
        ) }}
            as is_small,
        sum(case when level = 'segment' then customers end) over (partition by view, feature)
            as all_customers,
        sum(case when level = 'segment' then customers_known end)
            over (partition by view, feature) as all_customers_known,
        sum(customers_known) over (partition by view, level, parent_segment_id, feature)
            as compared_customers_known
    from profiles

),

related as (

    select
        protected.*,
        segments.segment,
        segments.segment_fr,
        segments.parent_segment,
        segments.description,
        segments.description_fr,
        segments.evidence,
        segments.is_withheld as is_segment_withheld,
        segments.is_withheld
        or coalesce(protected.is_small, false)
        or coalesce(parents.is_small, false)
        or coalesce(grandparents.is_small, false) as is_withheld
    from protected
    inner join segments
        on
            protected.view = segments.segment_view
            and protected.level = segments.segment_level
            and protected.segment_id = segments.segment_id
    left join protected as parents
        on
            protected.view = parents.view
            and protected.feature = parents.feature
            and protected.parent_segment_id = parents.segment_id
            and parents.level = {{ level_above('protected.level') }}
    left join protected as grandparents
        on
            parents.view = grandparents.view
            and parents.feature = grandparents.feature
            and parents.parent_segment_id = grandparents.segment_id
            and grandparents.level = {{ level_above('parents.level') }}

),

final as (

    select
        view as segment_view,
        level as segment_level,
        segment_id,
        feature,
        parent_segment_id,
        segment,
        segment_fr,
        parent_segment,
        description as segment_description,
        description_fr as segment_description_fr,
        evidence as segment_evidence,
        label_en as feature_label,
        label_fr as feature_label_fr,
        case when not is_segment_withheld then customers end as customers,
        case
            when not is_segment_withheld then customers / cast(all_customers as double)
        end as customer_share,
        {%- for figure in [
            'mean', 'median', 'index_vs_all', 'z', 'index_vs_parent', 'z_vs_parent',
            'differentiator_rank'
        ] %}
        case when not is_withheld then {{ figure }} end as {{ figure }},
        {%- endfor %}
        case when not {{ is_under_floor('all_customers_known') }} then overall_mean end
            as overall_mean,
        {%- for figure in ['effect_size', 'p_value'] %}
        case when not {{ is_under_floor('compared_customers_known') }} then {{ figure }} end
            as {{ figure }},
        {%- endfor %}
        is_circular,
        is_withheld
    from related

)

select * from final
