-- One row per row of web.events.
{{- built_by_arrival('event_id') }}
{%- set columns = [
    'event_id', 'visitor_id', 'customer_id', 'event_at', 'event_name', 'page_url', 'utm_source',
    'utm_medium', 'utm_campaign', 'device', 'engagement_seconds',
] %}
{%- set key = [clean_text('event_id')] %}

with retention as (

    select * from {{ ref('retention') }}
    where source_name = 'web' and table_name = 'events'

),

{% if is_incremental() -%}
affected as (

    {{ affected_keys(
        source('web', 'events'), 'web.events', 'event_id', 'event_at',
        alike={'visitor_id': 'visitor_id', 'event_name_raw': 'event_name', 'page_url': 'page_url'},
    ) }}

),

{% endif -%}
source as {{ affected_or_anew() }} (

    select
        *,
        {{ file_of_row('web.events') }} as source_file
    from {{ source_rows(source('web', 'events'), 'web.events') }}
    {{- only_affected('event_id') }}

),

spellings as (

    select * from {{ ref('value_spellings') }}

),

names as (

    {{ codes_of('event_name', 'web_event', source('web', 'events'), 'web.events') }}

),

devices as (

    {{ codes_of('device', 'device', source('web', 'events'), 'web.events') }}

),

repeated as (

    {{ repeated_keys(key) }}

),

numbered as (

    {{ numbered_rows(
        columns, key, latest_arrival_first('web.events') + [parse_timestamp('event_at') ~ ' asc']
    ) }}

),

-- The narrow columns alone, read once more: a window over whole rows would cost more.
followed as (

    select
        {{ clean_text('event_id') }} as event_id,
        {{ parse_timestamp('event_at') }} as event_at,
        lag({{ clean_text('event_id') }}) over same_event as previous_event_id,
        lag({{ parse_timestamp('event_at') }}) over same_event as previous_event_at
    from {{ source_rows(source('web', 'events'), 'web.events') }}
    where visitor_id is not null and page_url is not null
    {{- only_with('visitor_id', 'source') }}
    window same_event as (
        partition by visitor_id, event_name, page_url
        order by {{ parse_timestamp('event_at') }} asc nulls last, event_id asc nulls last
    )

),

near_duplicates as (

    select distinct event_id
    from followed
    where
        event_id <> previous_event_id
        and event_at <= previous_event_at + interval {{ var('near_duplicate_seconds') }} second

),

renamed as (

    select
        {{ clean_text('numbered.event_id') }} as event_id,
        numbered.source_file,
        numbered.occurrence,
        {{ clean_text('numbered.visitor_id') }} as visitor_id,
        {{ clean_text('numbered.customer_id') }} as customer_id,
        names.code as event_name,
        cast(numbered.event_name as string) as event_name_raw,
        {{ clean_text('numbered.page_url') }} as page_url,
        lower({{ clean_text('numbered.utm_source') }}) as utm_source,
        lower({{ clean_text('numbered.utm_medium') }}) as utm_medium,
        lower({{ clean_text('numbered.utm_campaign') }}) as utm_campaign,
        devices.code as device,
        cast(numbered.device as string) as device_raw,
        coalesce({{ read_number('numbered.engagement_seconds') }}, 0) as engagement_seconds,
        {{ parse_timestamp('numbered.event_at') }} as event_at,
        {{ raw_date('numbered.event_at') }} as event_at_raw,
        {{ pack_columns(columns, 'numbered') }} as packed
    from numbered
    left join names on numbered.event_name = names.written
    left join devices on numbered.device = devices.written

),

judged as (

    select
        renamed.*,
        case
            when renamed.event_id is null or renamed.visitor_id is null then 'missing_key'
            when renamed.occurrence > 1 then 'repeated_event'
            when renamed.event_at is null then 'unreadable_date'
            when {{ is_in_future('renamed.event_at') }} then 'future_date'
            when {{ is_before_records('renamed.event_at') }} then 'implausible_date'
            when near_duplicates.event_id is not null then 'near_duplicate_event'
        end as rejection_reason
    from renamed
    left join near_duplicates on renamed.event_id = near_duplicates.event_id

),

staged as (

    select
        event_id,
        occurrence,
        visitor_id,
        customer_id,
        event_name,
        event_name_raw,
        page_url,
        utm_source,
        utm_medium,
        utm_campaign,
        device,
        device_raw,
        case
            when engagement_seconds between 0 and {{ var('longest_page_seconds') }}
                then engagement_seconds
            else 0
        end as engagement_seconds,
        event_at,
        event_at_raw,
        source_file,
        {{ load_number() }} as loaded_in,
        rejection_reason,
        {{ list_flags({
            'negative_duration': 'engagement_seconds < 0',
            'excessive_duration': 'engagement_seconds > ' ~ var('longest_page_seconds'),
        }) }} as quality_flags,
        {{ raw_row('rejection_reason', 'packed') }} as raw_row
    from judged

),

final as (

    {{ guarded_rows(
        'event_at',
        personal=['customer_id', 'visitor_id', 'page_url'],
        forgotten=is_suppressed('customer_id', 'customer_id')
        ~ ' or ' ~ is_suppressed('visitor_id', 'visitor_id'),
        since=kept_since(source('web', 'events'), 'web.events', 'event_at'),
    ) }}

)

select * from final
