-- One row per segment level, segment and feature.
with profiles as (

    select * from {{ ref('ml_segment_profiles') }}

),

segment_names as (

    select * from {{ ref('ml_segment_names') }}

),

-- A small segment is withheld whole; a feature that few of a segment are known by, in its figures.
protected as (

    select
        *,
        {{ is_withheld_among('customers', 'level, feature', 'segment_id') }} as is_segment_withheld,
        {{ is_withheld_among('customers_known', 'level, feature', 'segment_id') }}
            as is_feature_withheld,
        sum(customers) over (partition by level, feature) as all_customers,
        sum(customers_known) over (partition by level, feature) as all_customers_known
    from profiles

),

final as (

    select
        protected.level as segment_level,
        protected.segment_id,
        protected.feature,
        segment_names.segment,
        segment_names.segment_fr,
        segment_names.description as segment_description,
        segment_names.description_fr as segment_description_fr,
        case when not protected.is_segment_withheld then segment_names.evidence end
            as segment_evidence,
        protected.label_en as feature_label,
        protected.label_fr as feature_label_fr,
        case when not protected.is_segment_withheld then protected.customers end as customers,
        case
            when not protected.is_segment_withheld
                then protected.customers / cast(protected.all_customers as double)
        end as customer_share,
        {%- for figure in ['mean', 'median', 'index_vs_all', 'z', 'differentiator_rank'] %}
        case
            when not (protected.is_segment_withheld or protected.is_feature_withheld)
                then protected.{{ figure }}
        end as {{ figure }},
        {%- endfor %}
        {%- for figure in ['overall_mean', 'effect_size', 'p_value'] %}
        case
            when not {{ is_under_floor('protected.all_customers_known') }}
                then protected.{{ figure }}
        end as {{ figure }},
        {%- endfor %}
        protected.is_circular,
        protected.is_segment_withheld or protected.is_feature_withheld as is_withheld
    from protected
    left join segment_names
        on
            protected.level = segment_names.level
            and protected.segment_id = segment_names.segment_id

)

select * from final
