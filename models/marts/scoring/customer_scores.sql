-- One row per customer_key and target the customer is eligible for.
with scores as (

    select * from {{ ref('ml_propensity_scores') }} where cutoff_name = 'score'

),

score_bands as (

    select * from {{ ref('score_bands') }}

),

positioned as (

    select
        *,
        {{ tenth_from_top(mid_rank('probability', 'asc', partition='target')) }} as decile
    from scores

),

final as (

    select
        positioned.customer_key,
        positioned.target,
        positioned.probability,
        positioned.decile,
        score_bands.band,
        positioned.driver_1,
        positioned.driver_2,
        positioned.driver_3,
        positioned.model_id
    from positioned
    left join score_bands on positioned.decile = score_bands.decile

)

select * from final
