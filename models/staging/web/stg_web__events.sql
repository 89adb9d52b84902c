-- One row per row of web.events.
with source as (

    select * from {{ source_rows(source('web', 'events'), 'web.events') }}

),

renamed as (

    select
        {{ clean_text('event_id') }} as event_id,
        {{ clean_text('visitor_id') }} as visitor_id,
        {{ clean_text('customer_id') }} as customer_id,
        lower({{ clean_text('event_name') }}) as event_name,
        {{ clean_text('page_url') }} as page_url,
        lower({{ clean_text('utm_source') }}) as utm_source,
        lower({{ clean_text('utm_medium') }}) as utm_medium,
        lower({{ clean_text('utm_campaign') }}) as utm_campaign,
        lower({{ clean_text('device') }}) as device,
        greatest(coalesce(try_cast(engagement_seconds as double), 0), 0) as engagement_seconds,
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
                visitor_id nulls last,
                customer_id nulls last,
                event_name nulls last,
                page_url nulls last,
                utm_source nulls last,
                utm_medium nulls last,
                utm_campaign nulls last,
                device nulls last,
                engagement_seconds
        ) as occurrence
    from renamed

),

final as (

    select
        event_id,
        occurrence,
        visitor_id,
        customer_id,
        event_name,
        page_url,
        utm_source,
        utm_medium,
        utm_campaign,
        device,
        engagement_seconds,
        event_at,
        case
            when event_id is null or visitor_id is null then 'missing_key'
            when occurrence > 1 then 'repeated_event'
            when event_at is null then 'unreadable_date'
            when {{ is_in_future('event_at') }} then 'future_date'
            when {{ is_before_records('event_at') }} then 'implausible_date'
        end as rejection_reason
    from numbered

)

select * from final
