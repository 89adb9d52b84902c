-- One row per customer_key and cutoff with a mention on social media that was known before it.
with mentions as (

    select * from {{ ref('int_mentions_linked') }} where known_at is not null

),

cutoffs as (

    select * from {{ ref('int_cutoffs') }}

),

final as (

    select
        mentions.customer_key,
        cutoffs.cutoff_name,
        count(*) filter (
            where mentions.mentioned_at >= {{ add_days('cutoffs.cutoff_on', -365) }}
        ) as mentions_365d,
        cast(sum(cast(mentions.sentiment as decimal(9, 6))) as double)
        / nullif(count(mentions.sentiment), 0) as mention_sentiment,
        max(mentions.known_at) as last_event_at
    from mentions
    inner join cutoffs on mentions.known_at < cutoffs.cutoff_on
    group by mentions.customer_key, cutoffs.cutoff_name

)

select * from final
