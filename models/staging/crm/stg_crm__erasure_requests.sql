-- One row per row of crm.erasure_requests.
with source as (

    select * from {{ source_rows(source('crm', 'erasure_requests'), 'crm.erasure_requests') }}

),

customers as (

    select distinct customer_id from {{ ref('stg_crm__customers') }}

),

renamed as (

    select
        {{ clean_text('request_id') }} as request_id,
        {{ clean_text('customer_id') }} as customer_id,
        try_cast(requested_at as timestamp) as requested_at
    from source

),

numbered as (

    select
        *,
        row_number() over (
            partition by request_id
            order by requested_at nulls last, customer_id nulls last
        ) as occurrence
    from renamed

),

final as (

    select
        numbered.request_id,
        numbered.occurrence,
        numbered.customer_id,
        numbered.requested_at,
        case
            when numbered.request_id is null then 'missing_key'
            when numbered.occurrence > 1 then 'repeated_record'
            when numbered.requested_at is null then 'unreadable_date'
            when {{ is_in_future('numbered.requested_at') }} then 'future_date'
            when {{ source_is_on('crm.customers') }} and customers.customer_id is null
                then 'unknown_customer'
        end as rejection_reason
    from numbered
    left join customers on numbered.customer_id = customers.customer_id

)

select * from final
