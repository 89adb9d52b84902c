-- One row per row of crm.consents, a change of a consent.
with source as (

    select * from {{ source_rows(source('crm', 'consents'), 'crm.consents') }}

),

customers as (

    select distinct customer_id from {{ ref('stg_crm__customers') }}

),

renamed as (

    select
        {{ clean_text('consent_event_id') }} as consent_event_id,
        {{ clean_text('customer_id') }} as customer_id,
        lower({{ clean_text('purpose') }}) as purpose,
        lower({{ clean_text('status') }}) as status,
        try_cast(recorded_at as timestamp) as recorded_at
    from source

),

numbered as (

    select
        *,
        row_number() over (
            partition by consent_event_id
            order by
                recorded_at asc nulls last,
                customer_id asc nulls last,
                purpose asc nulls last,
                status desc nulls last
        ) as occurrence
    from renamed

),

final as (

    select
        numbered.consent_event_id,
        numbered.occurrence,
        numbered.customer_id,
        numbered.purpose,
        numbered.status,
        numbered.recorded_at,
        case
            when numbered.consent_event_id is null then 'missing_key'
            when numbered.occurrence > 1 then 'repeated_record'
            when numbered.recorded_at is null then 'unreadable_date'
            when {{ is_in_future('numbered.recorded_at') }} then 'future_date'
            when {{ is_before_records('numbered.recorded_at') }} then 'implausible_date'
            when
                numbered.purpose is null
                or numbered.purpose not in ('email_marketing', 'profiling', 'ad_targeting')
                or numbered.status is null
                or numbered.status not in ('granted', 'withdrawn')
                then 'unknown_value'
            when {{ source_is_on('crm.customers') }} and customers.customer_id is null
                then 'unknown_customer'
        end as rejection_reason
    from numbered
    left join customers on numbered.customer_id = customers.customer_id

)

select * from final
