-- One row per order line that at least one of three opinions calls extreme. It was not set aside.
with outliers as (

    select * from {{ ref('ml_order_line_outliers') }}

),

final as (

    select
        order_id,
        line_number,
        quantity,
        unit_price,
        line_value,
        discount_share,
        robust_z,
        mahalanobis_distance,
        isolation_score,
        votes,
        is_extreme,
        reason_code,
        reason
    from outliers

)

select * from final
