-- One row per customer_key who has bought and may be profiled: past, expected and lifetime value.
with expected as (

    select * from {{ ref('ml_customer_value') }}

),

lifetimes as (

    select * from {{ ref('ml_customer_lifetimes') }} where cutoff_name = 'score'

),

measured as (

    select * from {{ ref('int_lifetimes_measured') }} where cutoff_name = 'score'

),

value_tiers as (

    select * from {{ ref('value_tiers') }}

),

-- Equal values have equal positions, and so the same tier.
positioned as (

    select
        *,
        {{ mid_rank('clv', 'desc') }} as position_from_top
    from lifetimes

),

tiered as (

    select
        positioned.customer_key,
        min(value_tiers.tier_number) as tier_number
    from positioned
    inner join value_tiers on positioned.position_from_top <= value_tiers.share_from_top
    group by positioned.customer_key

),

final as (

    select
        positioned.customer_key,
        cast(measured.net_revenue as decimal(18, 2)) as historic_value,
        cast(
            case
                when measured.costed_revenue = measured.net_revenue then measured.costed_margin
                else measured.margin_rate * measured.net_revenue
            end as decimal(18, 2)
        ) as historic_margin,
        positioned.x + 1 as purchase_days,
        positioned.p_alive,
        positioned.x = 0 as is_p_alive_assumed,
        positioned.expected_purchases,
        positioned.expected_order_value,
        expected.expected_value,
        expected.expected_value_lifetimes,
        expected.expected_value_boosting,
        positioned.clv,
        positioned.clv_basis,
        value_tiers.value_tier,
        value_tiers.value_tier_fr,
        positioned.purchase_model,
        expected.model_id
    from positioned
    inner join expected on positioned.customer_key = expected.customer_key
    inner join measured on positioned.customer_key = measured.customer_key
    left join tiered on positioned.customer_key = tiered.customer_key
    left join value_tiers on tiered.tier_number = value_tiers.tier_number

)

select * from final
