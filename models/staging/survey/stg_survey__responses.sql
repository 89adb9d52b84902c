-- One row per row of survey.responses, an answered statement.
with source as (

    select * from {{ source_rows(source('survey', 'responses'), 'survey.responses') }}

),

renamed as (

    select
        {{ clean_text('response_id') }} as response_id,
        {{ clean_text('customer_id') }} as customer_id,
        lower({{ clean_text('question') }}) as question,
        split_part(lower({{ clean_text('question') }}), '_', 1) as trait,
        try_cast(answer as integer) as answer,
        try_cast(answered_at as timestamp) as answered_at
    from source

),

numbered as (

    select
        *,
        row_number() over (
            partition by response_id
            order by
                answered_at nulls last,
                customer_id nulls last,
                question nulls last,
                answer nulls last
        ) as occurrence
    from renamed

),

final as (

    select
        response_id,
        occurrence,
        customer_id,
        question,
        trait,
        answer,
        answered_at,
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
    from numbered

)

select * from final
