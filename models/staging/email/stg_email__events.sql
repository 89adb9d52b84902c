-- One row per row of email.events.
{{- built_by_arrival('event_id') }}
{%- set columns = [
    'event_id', 'campaign_id', 'customer_id', 'event_name', 'event_at',
] %}
{%- set key = [clean_text('event_id')] %}

with retention as (

    select * from {{ ref('retention') }}
    where source_name = 'email' and table_name = 'events'

),

campaigns as (

    select distinct campaign_id from {{ ref('stg_email__campaigns') }}

),

{% if is_incremental() -%}
affected as (

    {{ affected_keys(
        source('email', 'events'), 'email.events', 'event_id', 'event_at',
        alike={
            'customer_id': 'customer_id', 'campaign_id': 'campaign_id', 'event_name_raw': 'event_name',
        },
        outdated=[
            "coalesce(rejection_reason, 'past_retention') in "
            ~ "('unknown_campaign', 'near_duplicate_event', 'past_retention') "
            ~ "and (rejection_reason is distinct from 'unknown_campaign') "
            ~ "<> (campaign_id in (select campaign_id from campaigns where campaign_id is not null))",
        ] if source_is_on('email.campaigns') else [],
    ) }}

),

{% endif -%}
source as {{ affected_or_anew() }} (

    select
        *,
        {{ file_of_row('email.events') }} as source_file
    from {{ source_rows(source('email', 'events'), 'email.events') }}
    {{- only_affected('event_id') }}

),

spellings as (

    select * from {{ ref('value_spellings') }} where domain = 'email_event'

),

names as (

    {{ codes_of('event_name', 'email_event', source('email', 'events'), 'email.events') }}

),

repeated as (

    {{ repeated_keys(key) }}

),

numbered as (

    {{ numbered_rows(
        columns, key, latest_arrival_first('email.events') + [parse_timestamp('event_at') ~ ' asc']
    ) }}

),

-- The narrow columns alone, read once more: a window over whole rows would cost more.
followed as (

    select
        {{ clean_text('event_id') }} as event_id,
        {{ parse_timestamp('event_at') }} as event_at,
        lag({{ clean_text('event_id') }}) over same_event as previous_event_id,
        lag({{ parse_timestamp('event_at') }}) over same_event as previous_event_at
    from {{ source_rows(source('email', 'events'), 'email.events') }}
    where customer_id is not null and campaign_id is not null
    {{- only_with('customer_id', 'source') }}
    window same_event as (
        partition by customer_id, campaign_id, event_name
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
        {{ clean_text('numbered.campaign_id') }} as campaign_id,
        {{ clean_text('numbered.customer_id') }} as customer_id,
        names.code as event_name,
        cast(numbered.event_name as string) as event_name_raw,
        {{ parse_timestamp('numbered.event_at') }} as event_at,
        {{ raw_date('numbered.event_at') }} as event_at_raw,
        {{ pack_columns(columns, 'numbered') }} as packed
    from numbered
    left join names on numbered.event_name = names.written

),

judged as (

    select
        renamed.*,
        case
            when renamed.event_id is null or renamed.customer_id is null then 'missing_key'
            when renamed.occurrence > 1 then 'repeated_event'
            when renamed.event_at is null then 'unreadable_date'
            when {{ is_in_future('renamed.event_at') }} then 'future_date'
            when {{ is_before_records('renamed.event_at') }} then 'implausible_date'
            when
                renamed.event_name is null
                or renamed.event_name not in (
                    'sent', 'delivered', 'open', 'click', 'bounce', 'unsubscribe'
                )
                then 'unknown_value'
            when {{ source_is_on('email.campaigns') }} and campaigns.campaign_id is null
                then 'unknown_campaign'
            when near_duplicates.event_id is not null then 'near_duplicate_event'
        end as rejection_reason
    from renamed
    left join campaigns on renamed.campaign_id = campaigns.campaign_id
    left join near_duplicates on renamed.event_id = near_duplicates.event_id

),

staged as (

    select
        event_id,
        occurrence,
        campaign_id,
        customer_id,
        event_name,
        event_name_raw,
        event_at,
        event_at_raw,
        source_file,
        {{ load_number() }} as loaded_in,
        rejection_reason,
        {{ list_flags({}) }} as quality_flags,
        {{ raw_row('rejection_reason', 'packed') }} as raw_row
    from judged

),

final as (

    {{ guarded_rows(
        'event_at',
        personal=['customer_id'],
        forgotten=is_suppressed('customer_id', 'customer_id'),
        since=kept_since(source('email', 'events'), 'email.events', 'event_at'),
    ) }}

)

select * from final
