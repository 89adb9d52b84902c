-- One row per campaign and customer_key that was mailed.
with responses as (

    select * from {{ ref('int_email_responses') }}

),

identities as (

    select * from {{ ref('ml_customer_identities') }}

),

firsts as (

    select
        responses.campaign_id,
        identities.customer_key,
    {%- for name in ['sent', 'delivered', 'open', 'click', 'bounce', 'unsubscribe'] %}
    min(responses.{{ name }}_at) as {{ name }}_at
    {{- "," if not loop.last }}
    {%- endfor %}
    from responses
    inner join identities on 'id:' || responses.customer_id = identities.record_id
    group by responses.campaign_id, identities.customer_key

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
