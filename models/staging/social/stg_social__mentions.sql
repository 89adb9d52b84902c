-- One row per row of social.mentions.
with source as (

    select * from {{ source_rows(source('social', 'mentions'), 'social.mentions') }}

),

renamed as (

    select
        {{ clean_text('mention_id') }} as mention_id,
        lower({{ clean_text('social_handle') }}) as social_handle,
        lower({{ clean_text('platform') }}) as platform,
        case
            when try_cast(sentiment as double) is not null
                then least(greatest(try_cast(sentiment as double), -1), 1)
        end as sentiment,
        try_cast(reach as bigint) as reach,
        try_cast(mentioned_at as timestamp) as mentioned_at
    from source

),

numbered as (

    select
        *,
        row_number() over (
            partition by mention_id
            order by
                mentioned_at nulls last,
                social_handle nulls last,
                platform nulls last,
                sentiment nulls last,
                reach nulls last
        ) as occurrence
    from renamed

),

final as (

    select
        mention_id,
        occurrence,
        social_handle,
        platform,
        sentiment,
        reach,
        mentioned_at,
        case
            when mention_id is null then 'missing_key'
            when occurrence > 1 then 'repeated_record'
            when mentioned_at is null then 'unreadable_date'
            when {{ is_in_future('mentioned_at') }} then 'future_date'
            when {{ is_before_records('mentioned_at') }} then 'implausible_date'
        end as rejection_reason
    from numbered

)

select * from final
