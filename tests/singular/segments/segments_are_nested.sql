-- A row here is a sub-segment in two segments, a micro-segment in two sub-segments, or one that the
-- dendrogram hangs elsewhere or does not know. Build ml_segment_models again with segments_refit
-- always.
with pairs as (

    select distinct
        view,
        segment_id,
        sub_segment_id,
        micro_segment_id
    from {{ ref('ml_customer_clusters') }}
    where micro_segment_id is not null

),

subs as (

    select
        view,
        sub_segment_id
    from pairs
    group by view, sub_segment_id
    having count(distinct segment_id) > 1

),

micros as (

    select
        view,
        micro_segment_id
    from pairs
    group by view, micro_segment_id
    having count(distinct sub_segment_id) > 1

),

strangers as (

    select
        pairs.view,
        pairs.micro_segment_id
    from pairs
    left join {{ ref('ml_segment_tree') }} as tree
        on
            pairs.view = tree.view
            and tree.level = 'micro_segment'
            and pairs.micro_segment_id = tree.micro_segment_id
            and pairs.sub_segment_id = tree.sub_segment_id
            and pairs.segment_id = tree.segment_id
    where tree.node_id is null

)

select
    'sub_segment' as level,
    view,
    sub_segment_id as id
from subs

union all

select
    'micro_segment' as level,
    view,
    micro_segment_id as id
from micros

union all

select
    'micro_segment' as level,
    view,
    micro_segment_id as id
from strangers
