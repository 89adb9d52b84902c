-- The last that is remembered of a customer is what holds today: of who has a segment, that one,
-- and of nobody else any. A row here is a change that was not noticed, or somebody who should
-- have been forgotten.
with remembered as (

    select * from {{ ref('segment_history') }}
    qualify row_number() over (partition by customer_key order by as_of_date desc) = 1

),

present as (

    select * from {{ ref('ml_customer_clusters') }} where view = '{{ var("segmentation_view") }}'

)

select
    coalesce(remembered.customer_key, present.customer_key) as customer_key,
    remembered.segment_id as remembered_segment_id,
    present.segment_id
from remembered
full outer join present on remembered.customer_key = present.customer_key
left join {{ ref('customers') }} as customers
    on remembered.customer_key = customers.customer_key and customers.may_be_profiled
where
    coalesce(remembered.segment_id, 0) <> coalesce(present.segment_id, 0)
    or coalesce(remembered.micro_segment_id, 0) <> coalesce(present.micro_segment_id, 0)
    or (remembered.customer_key is not null and customers.customer_key is null)
