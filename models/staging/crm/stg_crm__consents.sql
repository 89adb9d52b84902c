-- One row per row of crm.consents, a change of a consent.
{%- set columns = [
    'consent_event_id', 'customer_id', 'purpose', 'status', 'recorded_at',
] %}

with source as (

    select * from {{ source_rows(source('crm', 'consents'), 'crm.consents') }}

),

retention as (

    select * from {{ ref('retention') }}
    where source_name = 'crm' and table_name = 'consents'

),

customers as (

    select distinct customer_id from {{ ref('stg_crm__customers') }}

),

spellings as (

    select * from {{ ref('value_spellings') }}

),

numbered as (

    select
        {{ select_columns(columns) }},
        row_number() over (
            partition by {{ clean_text('consent_event_id') }}
            order by {{ order_of_rows(columns, [
                parse_timestamp('recorded_at') ~ ' asc', 'customer_id asc', 'purpose asc',
                'status desc',
            ]) }}
        ) as occurrence
    from source

),

renamed as (

    select
        {{ clean_text('numbered.consent_event_id') }} as consent_event_id,
        numbered.occurrence,
        {{ clean_text('numbered.customer_id') }} as customer_id,
        coalesce(purposes.code, lower({{ clean_text('numbered.purpose') }})) as purpose,
        numbered.purpose as purpose_raw,
        coalesce(statuses.code, lower({{ clean_text('numbered.status') }})) as status,
        numbered.status as status_raw,
        {{ parse_timestamp('numbered.recorded_at') }} as recorded_at,
        {{ raw_date('numbered.recorded_at') }} as recorded_at_raw,
        {{ pack_columns(columns, 'numbered') }} as packed
    from numbered
    left join spellings as purposes
        on
            purposes.domain = 'consent_purpose'
            and {{ fold_spelling('numbered.purpose') }} = purposes.spelling
    left join spellings as statuses
        on
            statuses.domain = 'consent_status'
            and {{ fold_spelling('numbered.status') }} = statuses.spelling

),

judged as (

    select
        renamed.*,
        case
            when renamed.consent_event_id is null then 'missing_key'
            when renamed.occurrence > 1 then 'repeated_record'
            when renamed.recorded_at is null then 'unreadable_date'
            when {{ is_in_future('renamed.recorded_at') }} then 'future_date'
            when {{ is_before_records('renamed.recorded_at') }} then 'implausible_date'
            when
                renamed.purpose is null
                or renamed.purpose not in ('email_marketing', 'profiling', 'ad_targeting')
                or renamed.status is null
                or renamed.status not in ('granted', 'withdrawn')
                then 'unknown_value'
            when {{ source_is_on('crm.customers') }} and customers.customer_id is null
                then 'unknown_customer'
        end as rejection_reason
    from renamed
    left join customers on renamed.customer_id = customers.customer_id

),

staged as (

    select
        consent_event_id,
        occurrence,
        customer_id,
        purpose,
        purpose_raw,
        status,
        status_raw,
        recorded_at,
        recorded_at_raw,
        rejection_reason,
        {{ list_flags({}) }} as quality_flags,
        {{ raw_row('rejection_reason', 'packed') }} as raw_row
    from judged

),

final as (

    {{ guarded_rows(
        'recorded_at',
        personal=['customer_id'],
        forgotten=is_suppressed('customer_id', 'customer_id'),
    ) }}

)

select * from final
