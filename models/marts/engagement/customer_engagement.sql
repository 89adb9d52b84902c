-- One row per customer_key: web use, mail response, care, survey traits, and the stage of life.
with engagement as (

    select * from {{ ref('int_engagement_measured') }} where cutoff_name = 'score'

),

permissions as (

    select * from {{ ref('int_customer_permissions') }}

),

web_use as (

    select * from {{ ref('int_web_use_measured') }} where cutoff_name = 'score'

),

email_response as (

    select * from {{ ref('int_email_response_measured') }} where cutoff_name = 'score'

),

care as (

    select * from {{ ref('int_care_measured') }} where cutoff_name = 'score'

),

-- Where a source is on, a customer without events has none; where it is off, nobody knows.
observed as (

    select
        engagement.customer_key,
        permissions.may_be_profiled,
        cast({{ if_source_on('web.events', 'coalesce(web_use.sessions, 0)') }} as bigint)
            as sessions,
        cast({{ if_source_on('web.events', 'coalesce(web_use.sessions_90d, 0)') }} as bigint)
            as sessions_90d,
        cast({{ if_source_on('web.events', 'coalesce(web_use.pages_90d, 0)') }} as bigint)
            as pages_90d,
        cast({{ if_source_on('web.events', 'coalesce(web_use.engaged_minutes_90d, 0)') }} as double)
            as engaged_minutes_90d,
        cast(web_use.engaged_session_share as double) as engaged_session_share,
        cast(web_use.cart_abandonment_rate as double) as cart_abandonment_rate,
        cast(web_use.days_since_visit as bigint) as days_since_visit,
        cast(
            {{ if_source_on('email.events', 'coalesce(email_response.emails_delivered_365d, 0)') }}
            as bigint
        ) as emails_delivered_365d,
        cast(email_response.email_open_rate as double) as email_open_rate,
        cast(email_response.email_click_rate as double) as email_click_rate,
        cast(email_response.email_click_to_open_rate as double) as email_click_to_open_rate,
        cast(email_response.email_unsubscribe_rate as double) as email_unsubscribe_rate,
        cast(email_response.email_reactivity_rate as double) as email_reactivity_rate,
        cast(
            {{ if_source_on('crm.support_tickets', 'coalesce(care.tickets_365d, 0)') }} as bigint
        ) as tickets_365d,
        cast(care.support_satisfaction as double) as support_satisfaction,
        cast(care.survey_value as double) as survey_value,
        cast(care.survey_motivation as double) as survey_motivation,
        cast(care.survey_lifestyle as double) as survey_lifestyle,
        cast(engagement.engagement_score as double) as engagement_score,
        engagement.lifecycle,
        engagement.first_seen_on,
        engagement.last_interaction_on
    from engagement
    inner join permissions on engagement.customer_key = permissions.customer_key
    left join web_use on engagement.customer_key = web_use.customer_key
    left join email_response on engagement.customer_key = email_response.customer_key
    left join care on engagement.customer_key = care.customer_key

),

-- Of who may not be profiled no conduct is shown, only since when they are known.
final as (

    select
        customer_key,
        {%- for column in [
            'sessions', 'sessions_90d', 'pages_90d', 'engaged_minutes_90d',
            'engaged_session_share', 'cart_abandonment_rate', 'days_since_visit',
            'emails_delivered_365d', 'email_open_rate', 'email_click_rate',
            'email_click_to_open_rate', 'email_unsubscribe_rate', 'email_reactivity_rate',
            'tickets_365d', 'support_satisfaction', 'survey_value', 'survey_motivation',
            'survey_lifestyle', 'engagement_score'
        ] %}
        case when may_be_profiled then {{ column }} end as {{ column }},
        {%- endfor %}
        case when may_be_profiled then lifecycle else 'not_profiled' end as lifecycle,
        first_seen_on,
        case when may_be_profiled then last_interaction_on end as last_interaction_on
    from observed

)

select * from final
