-- One row per row of crm.erasure_requests.
{%- set columns = [
    'request_id', 'customer_id', 'requested_at',
] %}

with source as (

    select * from {{ source_rows(source('crm', 'erasure_requests'), 'crm.erasure_requests') }}

),

retention as (

    select * from {{ ref('retention') }}
    where source_name = 'crm' and table_name = 'erasure_requests'

),

-- A request that was carried out names its receipt in place of the customer.
customers as (

    select customer_id from {{ ref('stg_crm__customers') }}

    union distinct

    select {{ clean_text('customer_id') }} as customer_id
    from source
    where {{ clean_text('customer_id') }} like 'receipt:%'

),

numbered as (

    select
        {{ select_columns(columns) }},
        row_number() over (
            partition by {{ clean_text('request_id') }}
            order by {{ order_of_rows(columns, [parse_timestamp('requested_at') ~ ' asc']) }}
        ) as occurrence
    from source

),

renamed as (

    select
        {{ clean_text('numbered.request_id') }} as request_id,
        numbered.occurrence,
        {{ clean_text('numbered.customer_id') }} as customer_id,
        {{ parse_timestamp('numbered.requested_at') }} as requested_at,
        {{ raw_date('numbered.requested_at') }} as requested_at_raw,
        {{ pack_columns(columns, 'numbered') }} as packed
    from numbered

),

judged as (

    select
        renamed.*,
        case
            when renamed.request_id is null then 'missing_key'
            when renamed.occurrence > 1 then 'repeated_record'
            when renamed.requested_at is null then 'unreadable_date'
            when {{ is_in_future('renamed.requested_at') }} then 'future_date'
            when {{ is_before_records('renamed.requested_at') }} then 'implausible_date'
            when {{ source_is_on('crm.customers') }} and customers.customer_id is null
                then 'unknown_customer'
        end as rejection_reason
    from renamed
    left join customers on renamed.customer_id = customers.customer_id

),

staged as (

    select
        request_id,
        occurrence,
        customer_id,
        requested_at,
        requested_at_raw,
        rejection_reason,
        {{ list_flags({}) }} as quality_flags,
        {{ raw_row('rejection_reason', 'packed') }} as raw_row
    from judged

),

final as (

    {{ guarded_rows(
        'requested_at',
        personal=['customer_id'],
        forgotten=is_suppressed('customer_id', 'customer_id'),
    ) }}

)

select * from final
