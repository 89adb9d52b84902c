-- One row per campaign and mailed record: when each thing first happened to the message.
{{- built_by_arrival('customer_id') }}
with events as (

    select * from {{ ref('stg_email__events') }}
    where rejection_reason is null
    {{- only_written_since(ref('stg_email__events'), 'customer_id') }}

),

final as (

    select
        campaign_id,
        customer_id,
        {%- for name in ['sent', 'delivered', 'open', 'click', 'bounce', 'unsubscribe'] %}
        min(event_at) filter (where event_name = '{{ name }}') as {{ name }}_at,
        {%- endfor %}
        {{ load_number() }} as loaded_in
    from events
    group by campaign_id, customer_id

)

select * from final
