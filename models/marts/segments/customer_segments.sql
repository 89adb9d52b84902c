-- One row per customer_key: the segment, with the other views of the customer beside it.
with customers as (

    select * from {{ ref('customers') }}

),

clusters as (

    select * from {{ ref('ml_customer_clusters') }}

),

segment_names as (

    select * from {{ ref('ml_segment_names') }} where level = 'segment'

),

rfm as (

    select * from {{ ref('customer_rfm') }}

),

engagement as (

    select * from {{ ref('customer_engagement') }}

),

scores as (

    select
        customer_key,
        max(case when target = 'purchase' then probability end) as purchase_probability,
        max(case when target = 'purchase' then band end) as purchase_band,
        max(case when target = 'churn' then probability end) as churn_probability,
        max(case when target = 'churn' then band end) as churn_band
    from {{ ref('customer_scores') }}
    group by customer_key

),

-- Who never bought has no behaviour to be grouped by, and is a prospect: segment 0. Who may not be
-- profiled has no segment at all, and is counted under -1, so that the numbers add up.
final as (

    select
        customers.customer_key,
        case when customers.may_be_profiled then coalesce(clusters.segment_id, 0) else -1 end
            as segment_id,
        case
            when customers.may_be_profiled then coalesce(segment_names.segment, 'Prospect')
            else 'Not profiled'
        end as segment,
        case
            when customers.may_be_profiled then coalesce(segment_names.segment_fr, 'Prospect')
            else 'Non profilés'
        end as segment_fr,
        clusters.membership_probability,
        second_names.segment as second_segment,
        clusters.second_probability as second_membership_probability,
        rfm.rfm_segment,
        rfm.rfm_segment_fr,
        engagement.lifecycle,
        scores.purchase_probability,
        scores.purchase_band,
        scores.churn_probability,
        scores.churn_band,
        rfm.monetary,
        engagement.engagement_score,
        clusters.imputed_features,
        coalesce(clusters.imputed_features > 0, false) as was_imputed,
        coalesce(clusters.is_outlier, false) as is_outlier
    from customers
    left join clusters on customers.customer_key = clusters.customer_key
    left join segment_names on clusters.segment_id = segment_names.segment_id
    left join segment_names as second_names
        on clusters.second_segment_id = second_names.segment_id
    left join rfm on customers.customer_key = rfm.customer_key
    left join engagement on customers.customer_key = engagement.customer_key
    left join scores on customers.customer_key = scores.customer_key

)

select * from final
