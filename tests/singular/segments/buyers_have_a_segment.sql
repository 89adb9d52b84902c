-- Who has bought has a segment, who has not is a prospect, and who may not be profiled is counted
-- under -1. A row here is a customer whom the clusters lost, or one they were never to see.
select
    segments.customer_key,
    segments.segment_id,
    features.customer_key as has_features
from {{ ref('customer_segments') }} as segments
inner join {{ ref('customers') }} as customers on segments.customer_key = customers.customer_key
left join {{ ref('int_customer_features') }} as features
    on segments.customer_key = features.customer_key and features.cutoff_name = 'score'
where
    (segments.segment_id = -1) = customers.may_be_profiled
    or (
        customers.may_be_profiled
        and (segments.segment_id = 0) <> (features.customer_key is null)
    )
