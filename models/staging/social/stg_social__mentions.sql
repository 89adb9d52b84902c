-- One row per row of social.mentions.
{%- set columns = [
    'mention_id', 'social_handle', 'platform', 'mentioned_at', 'sentiment', 'reach',
] %}

with source as (

    select * from {{ source_rows(source('social', 'mentions'), 'social.mentions') }}

),

retention as (

    select * from {{ ref('retention') }}
    where source_name = 'social' and table_name = 'mentions'

),

numbered as (

    select
        {{ select_columns(columns) }},
        row_number() over (
            partition by {{ clean_text('mention_id') }}
            order by {{ order_of_rows(columns, [parse_timestamp('mentioned_at') ~ ' asc']) }}
        ) as occurrence
    from source

),

renamed as (

    select
        {{ clean_text('numbered.mention_id') }} as mention_id,
        numbered.occurrence,
        lower({{ clean_text('numbered.social_handle') }}) as social_handle,
        numbered.social_handle as social_handle_raw,
        lower({{ clean_text('numbered.platform') }}) as platform,
        numbered.platform as platform_raw,
        {{ read_number('numbered.sentiment') }} as sentiment_read,
        {{ clean_text('numbered.sentiment') }} as sentiment_raw,
        try_cast({{ read_number('numbered.reach') }} as bigint) as reach,
        {{ parse_timestamp('numbered.mentioned_at') }} as mentioned_at,
        {{ raw_date('numbered.mentioned_at') }} as mentioned_at_raw,
        {{ pack_columns(columns, 'numbered') }} as packed
    from numbered

),

judged as (

    select
        *,
        case when sentiment_read is not null then least(greatest(sentiment_read, -1), 1) end
            as sentiment,
        case
            when mention_id is null then 'missing_key'
            when occurrence > 1 then 'repeated_record'
            when mentioned_at is null then 'unreadable_date'
            when {{ is_in_future('mentioned_at') }} then 'future_date'
            when {{ is_before_records('mentioned_at') }} then 'implausible_date'
        end as rejection_reason
    from renamed

),

staged as (

    select
        mention_id,
        occurrence,
        social_handle,
        social_handle_raw,
        platform,
        platform_raw,
        sentiment,
        sentiment_raw,
        reach,
        mentioned_at,
        mentioned_at_raw,
        rejection_reason,
        {{ list_flags({
            'answer_off_scale': 'sentiment_raw is not null'
            ~ ' and (sentiment is null or sentiment <> sentiment_read)',
        }) }} as quality_flags,
        {{ raw_row('rejection_reason', 'packed') }} as raw_row
    from judged

),

final as (

    {{ guarded_rows(
        'mentioned_at',
        personal=['social_handle', 'social_handle_raw'],
        forgotten=is_suppressed('social_handle', 'social_handle'),
    ) }}

)

select * from final
