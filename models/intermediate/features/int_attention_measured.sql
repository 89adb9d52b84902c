-- One row per customer_key and cutoff with a purchase before it: attention since, against before.
with purchases as (

    select * from {{ ref('int_purchases_measured') }}

),

sessions as (

    select * from {{ ref('int_web_sessions') }} where customer_key is not null

),

email_contacts as (

    select * from {{ ref('int_email_contacts') }} where delivered_at is not null

),

-- A visit that ended in an order is that order, and would count twice.
visits as (

    select
        purchases.customer_key,
        purchases.cutoff_name,
        count(*) filter (where cast(sessions.started_at as date) > purchases.last_purchased_on)
            as visits_since,
        count(*) filter (where cast(sessions.started_at as date) <= purchases.last_purchased_on)
            as visits_before,
        max(sessions.known_at) as last_event_at
    from purchases
    inner join sessions
        on
            purchases.customer_key = sessions.customer_key
            and purchases.cutoff_on > sessions.known_at
    where not sessions.has_conversion
    group by purchases.customer_key, purchases.cutoff_name

),

known as (

    select
        purchases.customer_key,
        purchases.cutoff_name,
        cast(email_contacts.delivered_at as date) > purchases.last_purchased_on as is_since,
        email_contacts.opened_at < purchases.cutoff_on as is_opened,
        case
            when email_contacts.opened_at < purchases.cutoff_on
                then greatest(email_contacts.opened_at, email_contacts.delivered_at)
            else email_contacts.delivered_at
        end as event_at
    from purchases
    inner join email_contacts
        on
            purchases.customer_key = email_contacts.customer_key
            and purchases.cutoff_on > email_contacts.delivered_at

),

emails as (

    select
        customer_key,
        cutoff_name,
        count(*) filter (where is_since) as delivered_since,
        count(*) filter (where is_since and is_opened) as opened_since,
        count(*) filter (where not is_since) as delivered_before,
        count(*) filter (where not is_since and is_opened) as opened_before,
        max(event_at) as last_event_at
    from known
    group by customer_key, cutoff_name

),

-- Half a visit in two months, and one opening of three mails, stand for a habit not yet seen.
final as (

    select
        purchases.customer_key,
        purchases.cutoff_name,
        (coalesce(visits.visits_since, 0) + 1) / (
            purchases.recency_days * (coalesce(visits.visits_before, 0) + cast(0.5 as double))
            / cast(purchases.tenure_days - purchases.recency_days + 61 as double) + 1
        ) as visit_change,
        (coalesce(emails.opened_since, 0) + 1) / (
            coalesce(emails.delivered_since, 0) * (coalesce(emails.opened_before, 0) + 1)
            / cast(coalesce(emails.delivered_before, 0) + 3 as double) + 1
        ) as email_open_change,
        greatest(
            purchases.last_event_at,
            coalesce(visits.last_event_at, purchases.last_event_at),
            coalesce(emails.last_event_at, purchases.last_event_at)
        ) as last_event_at
    from purchases
    left join visits
        on
            purchases.customer_key = visits.customer_key
            and purchases.cutoff_name = visits.cutoff_name
    left join emails
        on
            purchases.customer_key = emails.customer_key
            and purchases.cutoff_name = emails.cutoff_name

)

select * from final
