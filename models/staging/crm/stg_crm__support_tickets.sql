-- One row per row of crm.support_tickets.
with source as (

    select * from {{ source_rows(source('crm', 'support_tickets'), 'crm.support_tickets') }}

),

customers as (

    select distinct customer_id from {{ ref('stg_crm__customers') }}

),

renamed as (

    select
        {{ clean_text('ticket_id') }} as ticket_id,
        {{ clean_text('customer_id') }} as customer_id,
        lower({{ clean_text('category') }}) as category,
        try_cast(satisfaction as integer) as satisfaction,
        try_cast(opened_at as timestamp) as opened_at,
        try_cast(closed_at as timestamp) as closed_at
    from source

),

numbered as (

    select
        *,
        row_number() over (
            partition by ticket_id
            order by
                opened_at nulls last,
                closed_at nulls last,
                customer_id nulls last,
                category nulls last,
                satisfaction nulls last
        ) as occurrence
    from renamed

),

final as (

    select
        numbered.ticket_id,
        numbered.occurrence,
        numbered.customer_id,
        numbered.category,
        case
            when numbered.satisfaction between 1 and 5 then numbered.satisfaction
        end as satisfaction,
        numbered.opened_at,
        numbered.closed_at,
        case
            when numbered.ticket_id is null then 'missing_key'
            when numbered.occurrence > 1 then 'repeated_record'
            when numbered.opened_at is null then 'unreadable_date'
            when {{ is_in_future('numbered.opened_at') }} then 'future_date'
            when {{ is_before_records('numbered.opened_at') }} then 'implausible_date'
            when {{ source_is_on('crm.customers') }} and customers.customer_id is null
                then 'unknown_customer'
        end as rejection_reason
    from numbered
    left join customers on numbered.customer_id = customers.customer_id

)

select * from final
