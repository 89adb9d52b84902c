-- One row per customer_key: recency, frequency and monetary value, scored and named.
with customer_rfm as (

    select * from {{ ref('int_customer_rfm') }}

),

final as (

    select
        customer_key,
        recency_days,
        frequency,
        monetary,
        average_order_value,
        mean_interpurchase_days,
        first_purchased_on,
        last_purchased_on,
        r_score,
        f_score,
        m_score,
        rfm_code,
        rfm_segment,
        rfm_segment_fr
    from customer_rfm

)

select * from final
