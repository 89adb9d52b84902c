-- One row per row of email.campaigns.
with source as (

    select * from {{ source_rows(source('email', 'campaigns'), 'email.campaigns') }}

),

renamed as (

    select
        {{ clean_text('campaign_id') }} as campaign_id,
        {{ clean_text('subject') }} as subject,
        try_cast(cost as double) as cost,
        try_cast(treatment_share as double) as treatment_share,
        try_cast(sent_at as timestamp) as sent_at
    from source

),

numbered as (

    select
        *,
        row_number() over (
            partition by campaign_id
            order by
                sent_at nulls last,
                subject nulls last,
                cost nulls last,
                treatment_share nulls last
        ) as occurrence
    from renamed

),

final as (

    select
        campaign_id,
        occurrence,
        subject,
        cost,
        treatment_share,
        sent_at,
        case
            when campaign_id is null then 'missing_key'
            when occurrence > 1 then 'repeated_record'
            when sent_at is null then 'unreadable_date'
            when {{ is_in_future('sent_at') }} then 'future_date'
            when {{ is_before_records('sent_at') }} then 'implausible_date'
        end as rejection_reason
    from numbered

)

select * from final
