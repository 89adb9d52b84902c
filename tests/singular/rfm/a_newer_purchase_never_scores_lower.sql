-- Scores rise with the value: newer, more often, more never scores lower than older, rarer, less.
-- A row here means that a score is upside down or cuts through a tie.
with bounds as (

    select
        r_score,
        f_score,
        m_score,
        recency_days,
        frequency,
        monetary
    from {{ ref('customer_rfm') }}
    where r_score is not null

),

spans as (

    select
        'recency' as dimension,
        r_score as score,
        cast(min(-recency_days) as double) as lowest,
        cast(max(-recency_days) as double) as highest
    from bounds
    group by r_score

    union all

    select
        'frequency' as dimension,
        f_score as score,
        cast(min(frequency) as double) as lowest,
        cast(max(frequency) as double) as highest
    from bounds
    group by f_score

    union all

    select
        'monetary' as dimension,
        m_score as score,
        min(monetary) as lowest,
        max(monetary) as highest
    from bounds
    group by m_score

)

select
    lower_span.dimension,
    lower_span.score,
    higher_span.score as higher_score
from spans as lower_span
inner join spans as higher_span
    on
        lower_span.dimension = higher_span.dimension
        and lower_span.score < higher_span.score
where lower_span.highest >= higher_span.lowest
