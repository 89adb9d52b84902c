-- One row per row of crm.support_tickets.
{%- set columns = [
    'ticket_id', 'customer_id', 'category', 'opened_at', 'closed_at', 'satisfaction',
] %}

with source as (

    select * from {{ source_rows(source('crm', 'support_tickets'), 'crm.support_tickets') }}

),

retention as (

    select * from {{ ref('retention') }}
    where source_name = 'crm' and table_name = 'support_tickets'

),

customers as (

    select distinct customer_id from {{ ref('stg_crm__customers') }}

),

numbered as (

    select
        {{ select_columns(columns) }},
        row_number() over (
            partition by {{ clean_text('ticket_id') }}
            order by {{ order_of_rows(columns, [parse_timestamp('opened_at') ~ ' asc']) }}
        ) as occurrence
    from source

),

renamed as (

    select
        {{ clean_text('numbered.ticket_id') }} as ticket_id,
        numbered.occurrence,
        {{ clean_text('numbered.customer_id') }} as customer_id,
        lower({{ clean_text('numbered.category') }}) as category,
        numbered.category as category_raw,
        {{ read_integer('numbered.satisfaction') }} as satisfaction_read,
        {{ clean_text('numbered.satisfaction') }} as satisfaction_raw,
        {{ parse_timestamp('numbered.opened_at') }} as opened_at,
        {{ raw_date('numbered.opened_at') }} as opened_at_raw,
        {{ parse_timestamp('numbered.closed_at') }} as closed_at_read,
        {{ raw_date('numbered.closed_at') }} as closed_at_raw,
        {{ pack_columns(columns, 'numbered') }} as packed
    from numbered

),

judged as (

    select
        renamed.*,
        case when renamed.satisfaction_read between 1 and 5 then renamed.satisfaction_read end
            as satisfaction,
        case when not {{ is_in_future('renamed.closed_at_read') }} then renamed.closed_at_read end
            as closed_at,
        case
            when renamed.ticket_id is null then 'missing_key'
            when renamed.occurrence > 1 then 'repeated_record'
            when renamed.opened_at is null then 'unreadable_date'
            when {{ is_in_future('renamed.opened_at') }} then 'future_date'
            when {{ is_before_records('renamed.opened_at') }} then 'implausible_date'
            when {{ source_is_on('crm.customers') }} and customers.customer_id is null
                then 'unknown_customer'
        end as rejection_reason
    from renamed
    left join customers on renamed.customer_id = customers.customer_id

),

staged as (

    select
        ticket_id,
        occurrence,
        customer_id,
        category,
        category_raw,
        satisfaction,
        satisfaction_raw,
        opened_at,
        opened_at_raw,
        closed_at,
        closed_at_raw,
        rejection_reason,
        {{ list_flags({
            'answer_off_scale': 'satisfaction_raw is not null and satisfaction is null',
            'unreadable_closed_at': 'closed_at_raw is not null and closed_at_read is null',
            'future_closed_at': 'closed_at_read is not null and closed_at is null',
            'closed_before_opened': 'closed_at < opened_at',
        }) }} as quality_flags,
        {{ raw_row('rejection_reason', 'packed') }} as raw_row
    from judged

),

final as (

    {{ guarded_rows(
        'opened_at',
        personal=['customer_id'],
        forgotten=is_suppressed('customer_id', 'customer_id'),
    ) }}

)

select * from final
