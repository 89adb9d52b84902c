-- One row per row of email.campaigns.
{%- set columns = [
    'campaign_id', 'sent_at', 'subject', 'cost', 'treatment_share',
] %}

with source as (

    select * from {{ source_rows(source('email', 'campaigns'), 'email.campaigns') }}

),

retention as (

    select * from {{ ref('retention') }}
    where source_name = 'email' and table_name = 'campaigns'

),

numbered as (

    select
        {{ select_columns(columns) }},
        row_number() over (
            partition by {{ clean_text('campaign_id') }}
            order by {{ order_of_rows(columns, [parse_timestamp('sent_at') ~ ' asc']) }}
        ) as occurrence
    from source

),

renamed as (

    select
        {{ clean_text('numbered.campaign_id') }} as campaign_id,
        numbered.occurrence,
        {{ clean_text('numbered.subject') }} as subject,
        {{ read_number('numbered.cost') }} as cost,
        {{ clean_text('numbered.cost') }} as cost_raw,
        {{ read_number('numbered.treatment_share') }} as treatment_share,
        {{ parse_timestamp('numbered.sent_at') }} as sent_at,
        {{ raw_date('numbered.sent_at') }} as sent_at_raw,
        {{ pack_columns(columns, 'numbered') }} as packed
    from numbered

),

judged as (

    select
        *,
        case
            when campaign_id is null then 'missing_key'
            when occurrence > 1 then 'repeated_record'
            when sent_at is null then 'unreadable_date'
            when {{ is_in_future('sent_at') }} then 'future_date'
            when {{ is_before_records('sent_at') }} then 'implausible_date'
        end as rejection_reason
    from renamed

),

staged as (

    select
        campaign_id,
        occurrence,
        subject,
        cost,
        cost_raw,
        treatment_share,
        sent_at,
        sent_at_raw,
        rejection_reason,
        {{ list_flags({
            'unusable_cost': 'cost < 0 or (cost is null and cost_raw is not null)',
            'share_off_scale': 'treatment_share not between 0 and 1',
        }) }} as quality_flags,
        {{ raw_row('rejection_reason', 'packed') }} as raw_row
    from judged

),

final as (

    {{ guarded_rows('sent_at') }}

)

select * from final
