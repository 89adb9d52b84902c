-- Each target has exactly one champion, and every score comes from it.
with champions as (

    select distinct
        target,
        model_id
    from {{ ref('model_metrics') }}
    where is_champion

),

scored as (

    select distinct
        target,
        model_id
    from {{ ref('customer_scores') }}

)

select
    scored.target,
    count(champions.model_id) as champions_found
from scored
left join champions on scored.target = champions.target and scored.model_id = champions.model_id
group by scored.target
having count(champions.model_id) <> 1
