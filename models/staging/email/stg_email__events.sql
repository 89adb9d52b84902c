-- One row per row of email.events.
with source as (

    select * from {{ source_rows(source('email', 'events'), 'email.events') }}

),

campaigns as (

    select distinct campaign_id from {{ ref('stg_email__campaigns') }}

),

renamed as (

    select
        {{ clean_text('event_id') }} as event_id,
        {{ clean_text('campaign_id') }} as campaign_id,
        {{ clean_text('customer_id') }} as customer_id,
        lower({{ clean_text('event_name') }}) as event_name,
        try_cast(event_at as timestamp) as event_at
    from source

),

numbered as (

    select
        *,
        row_number() over (
            partition by event_id
            order by
                event_at nulls last,
                campaign_id nulls last,
                customer_id nulls last,
                event_name nulls last
        ) as occurrence
    from renamed

),

final as (

    select
        numbered.event_id,
        numbered.occurrence,
        numbered.campaign_id,
        numbered.customer_id,
        numbered.event_name,
        numbered.event_at,
        case
            when numbered.event_id is null or numbered.customer_id is null then 'missing_key'
            when numbered.occurrence > 1 then 'repeated_event'
            when numbered.event_at is null then 'unreadable_date'
            when {{ is_in_future('numbered.event_at') }} then 'future_date'
            when {{ is_before_records('numbered.event_at') }} then 'implausible_date'
            when
                numbered.event_name is null
                or numbered.event_name not in (
                    'sent', 'delivered', 'open', 'click', 'bounce', 'unsubscribe'
                )
                then 'unknown_value'
            when {{ source_is_on('email.campaigns') }} and campaigns.campaign_id is null
                then 'unknown_campaign'
        end as rejection_reason
    from numbered
    left join campaigns on numbered.campaign_id = campaigns.campaign_id

)

select * from final
