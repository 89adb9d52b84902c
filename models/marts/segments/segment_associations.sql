-- One row per pair of attributes, one of them segments of a view.
with associations as (

    select * from {{ ref('ml_segment_associations') }}

),

segments as (

    select * from {{ ref('segments') }} where segment_level = 'segment'

),

final as (

    select
        associations.left_attribute,
        associations.right_attribute,
        associations.left_label_en,
        associations.left_label_fr,
        associations.right_label_en,
        associations.right_label_fr,
        case when not {{ is_under_floor('associations.customers') }} then associations.customers end
            as customers,
        case
            when not {{ is_under_floor('associations.customers_unknown') }}
                then associations.customers_unknown
        end as customers_unknown,
        associations.left_values,
        associations.right_values,
        associations.values_joined,
        {%- for figure in ['chi_squared', 'p_value', 'cramers_v', 'smallest_expected'] %}
        case
            when not {{ is_under_floor('associations.customers') }} then associations.{{ figure }}
        end as {{ figure }},
        {%- endfor %}
        associations.degrees_of_freedom,
        associations.strength,
        associations.reading_en,
        associations.reading_fr,
        segments.segment as top_segment,
        segments.segment_fr as top_segment_fr,
        associations.top_value,
        -- Rounded, for the others of the segment are a subtraction away.
        {{ rounded_to_floor('associations.top_customers') }} as top_customers,
        associations.top_index
        * {{ rounded_to_floor('associations.top_customers') }}
        / associations.top_customers as top_index,
        associations.is_expected_small,
        associations.is_circular
    from associations
    left join segments
        on
            associations.top_segment_id = segments.segment_id
            and associations.left_attribute = case
                when segments.is_main_view then 'segment' else segments.segment_view || '_segment'
            end

)

select * from final
