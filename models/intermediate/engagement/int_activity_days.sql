-- One row per customer_key, activity, day it happened and day it was known.
with orders as (

    select * from {{ ref('int_order_days') }} where is_purchase_day

),

sessions as (

    select * from {{ ref('int_web_sessions') }} where customer_key is not null

),

email_contacts as (

    select * from {{ ref('int_email_contacts') }}

),

tickets as (

    select * from {{ ref('stg_crm__support_tickets') }} where rejection_reason is null

),

responses as (

    select * from {{ ref('stg_survey__responses') }} where rejection_reason is null

),

mentions as (

    select * from {{ ref('int_mentions_linked') }}

),

identities as (

    select * from {{ ref('ml_customer_identities') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

activities as (

    select
        customer_key,
        last_ordered_at as happened_at,
        last_ordered_at as known_at,
        'purchase' as activity,
        1 as quantity
    from orders

    union all

    select
        customer_key,
        -- A visit before the first login happened then, and is known since the login.
        ended_at as happened_at,
        known_at,
        case when is_engaged then 'engaged_session' else 'session' end as activity,
        1 as quantity
    from sessions

    union all

    select
        customer_key,
        opened_at as happened_at,
        opened_at as known_at,
        'email_open' as activity,
        1 as quantity
    from email_contacts
    where opened_at is not null

    union all

    select
        customer_key,
        clicked_at as happened_at,
        clicked_at as known_at,
        'email_click' as activity,
        1 as quantity
    from email_contacts
    where clicked_at is not null

    union all

    select
        identities.customer_key,
        tickets.opened_at as happened_at,
        tickets.opened_at as known_at,
        'support_ticket' as activity,
        1 as quantity
    from tickets
    inner join identities on 'id:' || tickets.customer_id = identities.record_id

    union all

    select
        identities.customer_key,
        responses.answered_at as happened_at,
        responses.answered_at as known_at,
        'survey_response' as activity,
        1 as quantity
    from responses
    inner join identities on 'id:' || responses.customer_id = identities.record_id

    union all

    select
        customer_key,
        mentioned_at as happened_at,
        coalesce(known_at, mentioned_at) as known_at,
        'mention' as activity,
        1 as quantity
    from mentions

),

final as (

    select
        activities.customer_key,
        cast(activities.happened_at as date) as happened_on,
        cast(activities.known_at as date) as known_on,
        activities.activity,
        sum(activities.quantity) as quantity,
        max(activities.known_at) as last_known_at
    from activities
    cross join as_of
    where activities.known_at < as_of.as_of_date
    group by
        activities.customer_key,
        cast(activities.happened_at as date),
        cast(activities.known_at as date),
        activities.activity

)

select * from final
