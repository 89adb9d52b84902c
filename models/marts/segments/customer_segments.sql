-- One row per customer_key: the segment, with the other views of the customer beside it.
{%- set views = ['behaviour', 'engagement', 'value', 'taste', 'psychographics'] %}

with customers as (

    select * from {{ ref('customers') }}

),

clusters as (

    select * from {{ ref('ml_customer_clusters') }}

),

segment_names as (

    select * from {{ ref('ml_segment_names') }}

),

main_names as (

    select * from segment_names where view = '{{ var("segmentation_view") }}'

),

stability as (

    select
        segment_id,
        label
    from {{ ref('ml_segment_stability') }}
    where
        view = '{{ var("segmentation_view") }}'
        and level = 'segment'
        and measure = 'bootstrap_jaccard'

),

rfm_numbers as (

    select
        rfm_segment_id,
        max(rfm_segment) as rfm_segment,
        max(rfm_segment_fr) as rfm_segment_fr
    from {{ ref('rfm_segments') }}
    group by rfm_segment_id

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

customer_value as (

    select * from {{ ref('customer_value') }}

),

-- Where nothing stable was found the segments are those of RFM, which have names of their own.
main as (

    select
        clusters.*,
        coalesce(names.segment, rfm_numbers.rfm_segment) as segment,
        coalesce(names.segment_fr, rfm_numbers.rfm_segment_fr) as segment_fr,
        second_names.segment as second_segment,
        sub_names.segment as sub_segment,
        sub_names.segment_fr as sub_segment_fr,
        micro_names.segment as micro_segment,
        micro_names.segment_fr as micro_segment_fr,
        case when rfm_numbers.rfm_segment_id is null then stability.label end as segment_stability,
        case when rfm_numbers.rfm_segment_id is null then 'clusters' else 'rfm' end as segment_basis
    from clusters
    left join main_names as names
        on clusters.segment_id = names.segment_id and names.level = 'segment'
    left join main_names as second_names
        on clusters.second_segment_id = second_names.segment_id and second_names.level = 'segment'
    left join main_names as sub_names
        on clusters.sub_segment_id = sub_names.segment_id and sub_names.level = 'sub_segment'
    left join main_names as micro_names
        on
            clusters.micro_segment_id = micro_names.segment_id
            and micro_names.level = 'micro_segment'
    left join stability on clusters.segment_id = stability.segment_id
    left join rfm_numbers on clusters.segment_id = rfm_numbers.rfm_segment_id
    where clusters.view = '{{ var("segmentation_view") }}'

),

other_views as (

    select
        {%- for view in views %}
        max(case when clusters.view = '{{ view }}' then clusters.segment_id end)
            as {{ view }}_segment_id,
        max(case when clusters.view = '{{ view }}' then segment_names.segment end)
            as {{ view }}_segment,
        {%- endfor %}
        clusters.customer_key
    from clusters
    left join segment_names
        on
            clusters.view = segment_names.view
            and clusters.segment_id = segment_names.segment_id
            and segment_names.level = 'segment'
    group by clusters.customer_key

),

-- Who never bought has no behaviour to be grouped by, and is a prospect: segment 0. Who may not be
-- profiled has no segment at all, and is counted under -1, so that the numbers add up.
final as (

    select
        customers.customer_key,
        case when customers.may_be_profiled then coalesce(main.segment_id, 0) else -1 end
            as segment_id,
        case
            when customers.may_be_profiled then coalesce(main.segment, 'Prospect')
            else 'Not profiled'
        end as segment,
        case
            when customers.may_be_profiled then coalesce(main.segment_fr, 'Prospect')
            else 'Non profilés'
        end as segment_fr,
        main.segment_basis,
        main.segment_stability,
        main.sub_segment_id,
        main.sub_segment,
        main.sub_segment_fr,
        main.micro_segment_id,
        main.micro_segment,
        main.micro_segment_fr,
        main.membership_probability,
        main.second_segment,
        main.second_probability as second_membership_probability,
        {%- for view in views %}
        other_views.{{ view }}_segment_id,
        other_views.{{ view }}_segment,
        {%- endfor %}
        rfm.rfm_segment,
        rfm.rfm_segment_fr,
        engagement.lifecycle,
        scores.purchase_probability,
        scores.purchase_band,
        scores.churn_probability,
        scores.churn_band,
        customer_value.value_tier,
        rfm.monetary,
        engagement.engagement_score,
        main.imputed_features,
        coalesce(main.imputed_features > 0, false) as was_imputed,
        coalesce(main.is_outlier, false) as is_outlier
    from customers
    left join main on customers.customer_key = main.customer_key
    left join other_views on customers.customer_key = other_views.customer_key
    left join rfm on customers.customer_key = rfm.customer_key
    left join engagement on customers.customer_key = engagement.customer_key
    left join scores on customers.customer_key = scores.customer_key
    left join customer_value on customers.customer_key = customer_value.customer_key

)

select * from final
