-- One row per mention_id of a handle that one customer has: whose it is, known since when.
with mentions as (

    select * from {{ ref('stg_social__mentions') }} where rejection_reason is null

),

records as (

    select * from {{ ref('stg_crm__customers') }}
    where rejection_reason is null and social_handle is not null

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

since as (

    select
        social_handle,
        min(created_at) as created_at
    from records
    group by social_handle

),

final as (

    select
        mentions.mention_id,
        handles.customer_key,
        mentions.mentioned_at,
        mentions.sentiment,
        -- Whose a handle is, is known since the first dated record that has it.
        case
            when since.created_at is not null
                then greatest(mentions.mentioned_at, since.created_at)
        end as known_at
    from mentions
    inner join handles on mentions.social_handle = handles.social_handle
    left join since on handles.social_handle = since.social_handle

)

select * from final
