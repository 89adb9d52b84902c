-- One row per target, attribute and group of customers: for whom the champion is good.
with judged as (

    select
        *,
        {{ is_withheld_among('customers', 'target, attribute', 'group_value') }} as is_withheld
    from {{ ref('ml_propensity_groups') }}

),

segments as (

    select * from {{ ref('segments') }} where segment_level = 'segment' and is_main_view

),

attributes as (

    select * from {{ ref('segment_attributes') }}

),

final as (

    select
        judged.target,
        judged.model_id,
        judged.attribute,
        judged.group_value,
        case judged.attribute
            when 'all' then 'Everybody'
            when 'segment' then 'Segment'
            else coalesce(attributes.label_en, judged.attribute)
        end as attribute_label_en,
        case judged.attribute
            when 'all' then 'Tous'
            when 'segment' then 'Segment'
            else coalesce(attributes.label_fr, judged.attribute)
        end as attribute_label_fr,
        coalesce(segments.segment, judged.group_value) as group_label_en,
        coalesce(segments.segment_fr, judged.group_value) as group_label_fr,
        {%- for figure in [
            'customers', 'hits', 'prevalence', 'prevalence_ci_low', 'prevalence_ci_high',
            'predicted', 'calibration_gap', 'calibration_gap_ci_low', 'calibration_gap_ci_high',
            'auc', 'auc_ci_low', 'auc_ci_high', 'auc_promised',
            'selection_rate', 'selection_rate_ci_low', 'selection_rate_ci_high',
            'selection_rate_ratio', 'true_positive_rate', 'true_positive_rate_ci_low',
            'true_positive_rate_ci_high', 'equal_opportunity_difference'
        ] %}
        case when not judged.is_withheld then judged.{{ figure }} end as {{ figure }},
        {%- endfor %}
        judged.is_too_small or judged.is_withheld as is_too_small,
        {%- for flag in [
            'is_ranked_worse', 'is_miscalibrated', 'is_selected_less', 'is_found_less'
        ] %}
        judged.{{ flag }} and not judged.is_withheld as {{ flag }},
        {%- endfor %}
        case when not judged.is_withheld then judged.reading_en end as reading_en,
        case when not judged.is_withheld then judged.reading_fr end as reading_fr,
        judged.is_withheld
    from judged
    left join segments
        on
            judged.attribute = 'segment'
            and judged.group_value = cast(segments.segment_id as string)
    left join attributes on judged.attribute = attributes.attribute

)

select * from final
