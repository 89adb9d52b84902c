-- One row per view and node of the dendrogram of its segments.
with tree as (

    select * from {{ ref('ml_segment_tree') }}

),

-- The nodes of a view add up in many ways, so one group under the floor withholds them all.
protected as (

    select
        *,
        1 = max(case when {{ is_under_floor('customers') }} then 1 else 0 end)
            over (partition by view) as is_withheld
    from tree

),

final as (

    select
        view as segment_view,
        node_id,
        parent_node_id,
        level as node_level,
        segment_id,
        sub_segment_id,
        micro_segment_id,
        height,
        x,
        y,
        case when not is_withheld then customers end as customers,
        case when not is_withheld then reason end as reason,
        is_cut,
        is_withheld
    from protected

)

select * from final
