-- One row per customer_key and cutoff with a mention on social media that was known before it.
with mentions as (

    select * from {{ ref('stg_social__mentions') }} where rejection_reason is null

),

records as (

    select * from {{ ref('stg_crm__customers') }}
    where rejection_reason is null and social_handle is not null

),

cutoffs as (

    select * from {{ ref('int_cutoffs') }}

),

-- A handle of two people says nothing of either.
handles as (

    select
        social_handle,
        min(customer_key) as customer_key
    from {{ ref('int_customers_merged') }}
    where social_handle is not null
    group by social_handle
    having count(*) = 1

),

-- Whose a handle is, is known since the first record that has it.
since as (

    select
        social_handle,
        min(created_at) as created_at
    from records
    group by social_handle

),

known as (

    select
        handles.customer_key,
        mentions.mentioned_at,
        cast(mentions.sentiment as decimal(9, 6)) as sentiment,
        greatest(mentions.mentioned_at, since.created_at) as known_at
    from mentions
    inner join handles on mentions.social_handle = handles.social_handle
    inner join since on handles.social_handle = since.social_handle
    where since.created_at is not null

),

final as (

    select
        known.customer_key,
        cutoffs.cutoff_name,
        count(*) filter (
            where known.mentioned_at >= {{ add_days('cutoffs.cutoff_on', -365) }}
        ) as mentions_365d,
        cast(sum(known.sentiment) as double) / nullif(count(known.sentiment), 0)
            as mention_sentiment,
        max(known.known_at) as last_event_at
    from known
    inner join cutoffs on known.known_at < cutoffs.cutoff_on
    group by known.customer_key, cutoffs.cutoff_name

)

select * from final
