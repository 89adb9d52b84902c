-- One row per customer_key and cutoff with a delivered message in the year before it.
{%- set windows = [90] %}
with email_contacts as (

    select * from {{ ref('int_email_contacts') }} where delivered_at is not null

),

cutoffs as (

    select * from {{ ref('int_cutoffs') }}

),

-- What happened to a message counts only where it happened before the cutoff.
known as (

    select
        email_contacts.customer_key,
        cutoffs.cutoff_name,
        {{ days_between('cast(email_contacts.delivered_at as date)', 'cutoffs.cutoff_on') }}
            as days_ago,
        -- Counted in mailings: days would say when the last mailing was, and that is everybody's.
        row_number() over (
            partition by email_contacts.customer_key, cutoffs.cutoff_name
            order by email_contacts.delivered_at desc, email_contacts.campaign_id desc
        ) - 1 as later_emails,
        email_contacts.opened_at < cutoffs.cutoff_on as is_opened,
        email_contacts.clicked_at < cutoffs.cutoff_on as is_clicked,
        email_contacts.unsubscribed_at < cutoffs.cutoff_on as is_unsubscribed,
        email_contacts.opened_at < cutoffs.cutoff_on
        and email_contacts.is_reactive as is_reactive,
        greatest(
            email_contacts.delivered_at,
            case
                when email_contacts.opened_at < cutoffs.cutoff_on
                    then email_contacts.opened_at
                else email_contacts.delivered_at
            end,
            case
                when email_contacts.clicked_at < cutoffs.cutoff_on
                    then email_contacts.clicked_at
                else email_contacts.delivered_at
            end,
            case
                when email_contacts.unsubscribed_at < cutoffs.cutoff_on
                    then email_contacts.unsubscribed_at
                else email_contacts.delivered_at
            end
        ) as event_at
    from email_contacts
    inner join cutoffs
        on
            email_contacts.delivered_at < cutoffs.cutoff_on
            and email_contacts.delivered_at >= {{ add_days('cutoffs.cutoff_on', -365) }}

),

counted as (

    select
        customer_key,
        cutoff_name,
        cast(count(*) as double) as delivered,
        count(*) filter (where is_opened) as opened,
        count(*) filter (where is_clicked) as clicked,
        count(*) filter (where is_opened and is_clicked) as opened_and_clicked,
        count(*) filter (where is_unsubscribed) as unsubscribed,
        count(*) filter (where is_reactive) as reactive,
        {%- for days in windows %}
        cast(count(*) filter (where days_ago <= {{ days }}) as double) as delivered_{{ days }}d,
        count(*) filter (where days_ago <= {{ days }} and is_opened) as opened_{{ days }}d,
        count(*) filter (where days_ago <= {{ days }} and is_clicked) as clicked_{{ days }}d,
        count(*) filter (where days_ago <= {{ days }} and is_reactive) as reactive_{{ days }}d,
        {%- endfor %}
        min(later_emails) filter (where is_opened) as emails_since_open,
        min(later_emails) filter (where is_clicked) as emails_since_click,
        max(event_at) as last_event_at
    from known
    group by customer_key, cutoff_name

),

final as (

    select
        customer_key,
        cutoff_name,
        delivered as emails_delivered_365d,
        opened / delivered as email_open_rate,
        clicked / delivered as email_click_rate,
        opened_and_clicked / nullif(cast(opened as double), 0) as email_click_to_open_rate,
        unsubscribed / delivered as email_unsubscribe_rate,
        reactive / nullif(cast(opened as double), 0) as email_reactivity_rate,
        {%- for days in windows %}
        delivered_{{ days }}d as emails_delivered_{{ days }}d,
        opened_{{ days }}d / nullif(delivered_{{ days }}d, 0) as email_open_rate_{{ days }}d,
        clicked_{{ days }}d / nullif(delivered_{{ days }}d, 0) as email_click_rate_{{ days }}d,
        reactive_{{ days }}d / nullif(cast(opened_{{ days }}d as double), 0)
            as email_reactivity_rate_{{ days }}d,
        {%- endfor %}
        emails_since_open,
        emails_since_click,
        last_event_at
    from counted

)

select * from final
