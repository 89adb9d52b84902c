-- One row per segment view and leaf of the tree that retells its segments.
with rules as (

    select * from {{ ref('ml_segment_rules') }}

),

segments as (

    select * from {{ ref('segments') }} where segment_level = 'segment'

),

-- The leaves divide everybody, so they are withheld among each other.
sized as (

    select
        *,
        coalesce({{ is_withheld_among('customers', 'view', 'leaf') }}, false)
        or {{ is_under_floor('held_out_customers') }} as is_withheld
    from rules

),

final as (

    select
        sized.view as segment_view,
        sized.leaf,
        sized.segment_id,
        segments.segment,
        segments.segment_fr,
        sized.rule_en,
        sized.rule_fr,
        sized.conditions,
        {%- for figure in ['customers', 'customer_share', 'precision', 'recall'] %}
        case when not (sized.is_withheld or segments.is_withheld) then sized.{{ figure }} end
            as {{ figure }},
        {%- endfor %}
        sized.fidelity,
        sized.majority_share,
        sized.depth,
        sized.fitted_customers,
        sized.held_out_customers,
        sized.is_withheld or segments.is_withheld as is_withheld
    from sized
    inner join segments
        on sized.view = segments.segment_view and sized.segment_id = segments.segment_id

)

select * from final
