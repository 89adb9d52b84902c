-- Whoever is active in the seed and has somebody to score has exactly one champion. A row here is a
-- target without scores, or one that two models score: build ml_propensity_models again, or take
-- the target out of the seed.
with active as (

    select distinct labels.target
    from {{ ref('int_customer_labels') }} as labels
    inner join {{ ref('propensity_targets') }} as targets on labels.target = targets.target
    where targets.is_active

),

champions as (

    select
        target,
        model_id
    from {{ ref('model_registry') }}
    where is_champion

)

select
    active.target,
    count(champions.model_id) as champions_found
from active
left join champions on active.target = champions.target
group by active.target
having count(champions.model_id) <> 1
