-- One row per view, segment level, segment, measure and what was left out.
with stability as (

    select * from {{ ref('ml_segment_stability') }}

),

-- The whole level (segment 0) is no part of what the segments add up to.
protected as (

    select
        *,
        {{ is_withheld_among(
            'customers',
            'view, level, measure, left_out, case when segment_id = 0 then 0 else 1 end',
            'segment_id'
        ) }} as is_withheld
    from stability

),

final as (

    select
        view as segment_view,
        level as segment_level,
        segment_id,
        measure,
        left_out,
        case when not is_withheld then value end as value,
        case when not is_withheld then label end as label,
        basis,
        is_withheld
    from protected

)

select * from final
