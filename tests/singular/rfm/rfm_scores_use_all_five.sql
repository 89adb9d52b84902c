-- Heavy ties (over a third of customers bought once) leave scores unused. The segments that need
-- those scores stay empty: say so when presenting them, or lengthen the window.
{{ config(severity = 'warn') }}

with used as (

    select
        'frequency' as dimension,
        count(distinct f_score) as scores_used
    from {{ ref('customer_rfm') }}
    where f_score is not null

    union all

    select
        'recency' as dimension,
        count(distinct r_score) as scores_used
    from {{ ref('customer_rfm') }}
    where r_score is not null

    union all

    select
        'monetary' as dimension,
        count(distinct m_score) as scores_used
    from {{ ref('customer_rfm') }}
    where m_score is not null

)

select *
from used
where scores_used < 5
