-- One row per customer_key and cutoff with a support ticket or a survey answer before it.
with tickets as (

    select * from {{ ref('stg_crm__support_tickets') }} where rejection_reason is null

),

responses as (

    select
        responses.customer_id,
        responses.trait,
        responses.answer,
        responses.answered_at,
        statements.feature
    from {{ ref('stg_survey__responses') }} as responses
    left join {{ ref('survey_statements') }} as statements
        on responses.question = statements.question
    where responses.rejection_reason is null

),

identities as (

    select * from {{ ref('ml_customer_identities') }}

),

cutoffs as (

    select * from {{ ref('int_cutoffs') }}

),

-- Satisfaction is known when the ticket is closed, not when it is opened.
facts as (

    select
        identities.customer_key,
        'ticket' as fact,
        cast(null as string) as feature,
        1 as answer,
        tickets.closed_at as ends_at,
        tickets.opened_at as known_at
    from tickets
    inner join identities on 'id:' || tickets.customer_id = identities.record_id

    union all

    select
        identities.customer_key,
        'satisfaction' as fact,
        cast(null as string) as feature,
        tickets.satisfaction as answer,
        cast(null as timestamp) as ends_at,
        tickets.closed_at as known_at
    from tickets
    inner join identities on 'id:' || tickets.customer_id = identities.record_id
    where tickets.satisfaction is not null and tickets.closed_at is not null

    union all

    select
        identities.customer_key,
        responses.trait as fact,
        responses.feature,
        responses.answer,
        cast(null as timestamp) as ends_at,
        responses.answered_at as known_at
    from responses
    inner join identities on 'id:' || responses.customer_id = identities.record_id

),

final as (

    select
        facts.customer_key,
        cutoffs.cutoff_name,
        count(*) filter (
            where
            facts.fact = 'ticket'
            and facts.known_at >= {{ add_days('cutoffs.cutoff_on', -365) }}
        ) as tickets_365d,
        count(*) filter (
            where
            facts.fact = 'ticket'
            and facts.known_at >= {{ add_days('cutoffs.cutoff_on', -90) }}
        ) as tickets_90d,
        count(*) filter (
            where
            facts.fact = 'ticket'
            and (facts.ends_at is null or facts.ends_at >= cutoffs.cutoff_on)
        ) as open_tickets,
        {{ days_between(
            "max(case when facts.fact = 'ticket' then cast(facts.known_at as date) end)",
            'min(cutoffs.cutoff_on)'
        ) }} as days_since_ticket,
        {{ days_between(
            "max(case when facts.fact not in ('ticket', 'satisfaction')"
            ~ " then cast(facts.known_at as date) end)",
            'min(cutoffs.cutoff_on)'
        ) }} as days_since_survey,
        avg(facts.answer) filter (where facts.fact = 'satisfaction') as support_satisfaction,
        avg(facts.answer) filter (where facts.fact = 'value') as survey_value,
        avg(facts.answer) filter (where facts.fact = 'motivation') as survey_motivation,
        avg(facts.answer) filter (where facts.fact = 'lifestyle') as survey_lifestyle,
        {%- for number in range(1, 11) %}
        avg(case when facts.feature = 'survey_statement_{{ number }}' then facts.answer end)
            as survey_statement_{{ number }},
        {%- endfor %}
        max(facts.known_at) as last_event_at
    from facts
    inner join cutoffs on facts.known_at < cutoffs.cutoff_on
    group by facts.customer_key, cutoffs.cutoff_name

)

select * from final
