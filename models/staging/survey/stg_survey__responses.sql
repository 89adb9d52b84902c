-- One row per row of survey.responses, an answered statement.
{%- set columns = [
    'response_id', 'customer_id', 'question', 'answer', 'answered_at',
] %}

with source as (

    select * from {{ source_rows(source('survey', 'responses'), 'survey.responses') }}

),

retention as (

    select * from {{ ref('retention') }}
    where source_name = 'survey' and table_name = 'responses'

),

numbered as (

    select
        {{ select_columns(columns) }},
        row_number() over (
            partition by {{ clean_text('response_id') }}
            order by {{ order_of_rows(columns, [parse_timestamp('answered_at') ~ ' asc']) }}
        ) as occurrence
    from source

),

renamed as (

    select
        {{ clean_text('numbered.response_id') }} as response_id,
        numbered.occurrence,
        {{ clean_text('numbered.customer_id') }} as customer_id,
        lower({{ clean_text('numbered.question') }}) as question,
        numbered.question as question_raw,
        split_part(lower({{ clean_text('numbered.question') }}), '_', 1) as trait,
        {{ read_integer('numbered.answer') }} as answer,
        {{ parse_timestamp('numbered.answered_at') }} as answered_at,
        {{ raw_date('numbered.answered_at') }} as answered_at_raw,
        {{ pack_columns(columns, 'numbered') }} as packed
    from numbered

),

judged as (

    select
        *,
        case
            when response_id is null or customer_id is null then 'missing_key'
            when occurrence > 1 then 'repeated_record'
            when answered_at is null then 'unreadable_date'
            when {{ is_in_future('answered_at') }} then 'future_date'
            when {{ is_before_records('answered_at') }} then 'implausible_date'
            when trait is null or trait not in ('value', 'motivation', 'lifestyle')
                then 'unknown_value'
            when answer is null or answer not between 1 and 5 then 'answer_off_scale'
        end as rejection_reason
    from renamed

),

staged as (

    select
        response_id,
        occurrence,
        customer_id,
        question,
        question_raw,
        trait,
        answer,
        answered_at,
        answered_at_raw,
        rejection_reason,
        {{ list_flags({}) }} as quality_flags,
        {{ raw_row('rejection_reason', 'packed') }} as raw_row
    from judged

),

final as (

    {{ guarded_rows(
        'answered_at',
        personal=['customer_id'],
        forgotten=is_suppressed('customer_id', 'customer_id'),
    ) }}

)

select * from final
