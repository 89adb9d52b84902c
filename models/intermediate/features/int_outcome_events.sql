-- One row per customer_key, event, category and day: all that a target can ask about.
with order_days as (

    select * from {{ ref('int_order_days') }}

),

category_days as (

    select * from {{ ref('int_category_days') }} where category <> 'unknown'

),

email_contacts as (

    select * from {{ ref('int_email_contacts') }}

),

sessions as (

    select * from {{ ref('int_web_sessions') }} where customer_key is not null

),

tickets as (

    select * from {{ ref('stg_crm__support_tickets') }} where rejection_reason is null

),

identities as (

    select * from {{ ref('ml_customer_identities') }}

),

-- A day counts once, as frequency does, however many orders it holds.
bought as (

    select
        customer_key,
        'purchase' as event,
        cast(null as string) as category,
        ordered_on as happened_on,
        1 as quantity,
        gross_revenue - discount_revenue as amount
    from order_days
    where is_purchase_day

    union all

    select
        customer_key,
        'order_revenue' as event,
        cast(null as string) as category,
        ordered_on as happened_on,
        1 as quantity,
        net_revenue as amount
    from order_days

    union all

    select
        customer_key,
        'product_return' as event,
        cast(null as string) as category,
        ordered_on as happened_on,
        1 as quantity,
        returned_revenue as amount
    from order_days
    where returned_revenue > 0

    union all

    select
        customer_key,
        'category_purchase' as event,
        category,
        purchased_on as happened_on,
        1 as quantity,
        revenue as amount
    from category_days

),

answered as (

    {%- for event, column in [('email_open', 'opened_at'), ('email_click', 'clicked_at')] %}
    select
        customer_key,
        '{{ event }}' as event,
        cast({{ column }} as date) as happened_on
    from email_contacts
    where {{ column }} is not null

    union all
    {% endfor %}
    select
        customer_key,
        'web_session' as event,
        cast(started_at as date) as happened_on
    from sessions

    union all

    select
        identities.customer_key,
        'support_ticket' as event,
        cast(tickets.opened_at as date) as happened_on
    from tickets
    inner join identities on 'id:' || tickets.customer_id = identities.record_id

),

final as (

    select
        customer_key,
        event,
        category,
        happened_on,
        cast(quantity as bigint) as quantity,
        cast(amount as decimal(38, 4)) as amount
    from bought

    union all

    select
        customer_key,
        event,
        cast(null as string) as category,
        happened_on,
        count(*) as quantity,
        cast(0 as decimal(38, 4)) as amount
    from answered
    group by customer_key, event, happened_on

)

select * from final
