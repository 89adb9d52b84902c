-- One row per campaign and customer_key that was mailed.
with events as (

    select * from {{ ref('stg_email__events') }} where rejection_reason is null

),

identities as (

    select * from {{ ref('ml_customer_identities') }}

),

firsts as (

    select
        events.campaign_id,
        identities.customer_key,
    {%- for name in ['sent', 'delivered', 'open', 'click', 'bounce', 'unsubscribe'] %}
    min(events.event_at) filter (where events.event_name = '{{ name }}') as {{ name }}_at
    {{- "," if not loop.last }}
    {%- endfor %}
    from events
    inner join identities on 'id:' || events.customer_id = identities.record_id
    group by events.campaign_id, identities.customer_key

),

final as (

    select
        campaign_id,
        customer_key,
        sent_at,
        delivered_at,
        open_at as opened_at,
        click_at as clicked_at,
        bounce_at as bounced_at,
        unsubscribe_at as unsubscribed_at,
        coalesce(
            open_at
            <= {{ dbt.dateadd('minute', var('reactivity_minutes'), 'delivered_at') }},
            false
        ) as is_reactive
    from firsts

)

select * from final
