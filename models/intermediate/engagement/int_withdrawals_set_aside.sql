-- One row per record_key, purpose and instant of a withdrawal that staging did not take.
with consents as (

    select * from {{ ref('stg_crm__consents') }}

),

email_events as (

    select * from {{ ref('stg_email__events') }} where event_name = 'unsubscribe'

),

numbers as (

    select
        *,
        {{ fold_number("substr(record_id, 4)") }} as folded_number
    from {{ ref('ml_customer_identities') }}
    where record_id like 'id:%'

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

purposes as (

    select 'email_marketing' as purpose

    union all

    select 'profiling' as purpose

    union all

    select 'ad_targeting' as purpose

),

-- What cannot be read as a grant is taken for a refusal: consent has to be proven, a refusal not.
decisions as (

    select
        customer_id,
        purpose,
        recorded_at,
        rejection_reason
    from consents
    where coalesce(status, 'unknown') <> 'granted'

    union all

    select
        customer_id,
        'email_marketing' as purpose,
        event_at as recorded_at,
        rejection_reason
    from email_events

),

left_over as (

    select
        {{ fold_number('decisions.customer_id') }} as folded_number,
        decisions.purpose,
        decisions.recorded_at
    from decisions
    left join numbers on 'id:' || decisions.customer_id = numbers.record_id
    where decisions.rejection_reason is not null or numbers.record_id is null

),

-- Without a date that can be true it counts now, whatever was granted before.
final as (

    select distinct
        numbers.customer_key,
        numbers.record_key,
        purposes.purpose,
        case
            when left_over.recorded_at is null or {{ is_before_records('left_over.recorded_at') }}
                then cast(as_of.as_of_date as timestamp)
            else left_over.recorded_at
        end as recorded_at
    from left_over
    inner join numbers on left_over.folded_number = numbers.folded_number
    inner join purposes
        on
            left_over.purpose = purposes.purpose
            or left_over.purpose is null
            or left_over.purpose not in ('email_marketing', 'profiling', 'ad_targeting')
    cross join as_of

)

select * from final
