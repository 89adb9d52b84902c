-- Each run has exactly one champion among its models of revenue, and the values of customers come
-- from that of the last run. A row here is a run nobody can say the origin of.
with runs as (

    select
        as_of_date,
        count(*) filter (where is_champion and predicts = 'revenue') as champions,
        count(*) filter (where is_champion) as flagged,
        max(case when is_champion then model_id end) as champion_id
    from {{ ref('value_models') }}
    group by as_of_date

),

scored as (

    select distinct model_id from {{ ref('customer_value') }}

)

select
    'run' as what,
    cast(as_of_date as string) as which
from runs
where champions <> 1 or flagged <> 1

union all

select
    'score' as what,
    scored.model_id as which
from scored
left join runs on scored.model_id = runs.champion_id
where runs.champion_id is null
