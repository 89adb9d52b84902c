-- A row here is a node that stands higher than the one above it, names no node of its view as its
-- parent, or whose branches do not hold its customers. The drawing would be wrong. Build
-- ml_segment_tree again.
with tree as (

    select * from {{ ref('ml_segment_tree') }}

),

branches as (

    select
        view,
        parent_node_id,
        sum(customers) as customers
    from tree
    where parent_node_id is not null
    group by view, parent_node_id

)

select
    tree.view,
    tree.node_id
from tree
left join tree as parents
    on
        tree.view = parents.view
        and tree.parent_node_id = parents.node_id
left join branches
    on
        tree.view = branches.view
        and tree.node_id = branches.parent_node_id
where
    (tree.node_id > 1 and parents.node_id is null)
    or tree.height > parents.height
    or abs(branches.customers - tree.customers) > 12
