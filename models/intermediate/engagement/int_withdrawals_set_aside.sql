-- One row per record_key, purpose and instant of a withdrawal that staging did not take, or whose
-- record nobody has been found for yet.
with consents as (

    select * from {{ ref('stg_crm__consents') }}

),

email_events as (

    select * from {{ ref('stg_email__events') }} where event_name = 'unsubscribe'

),

identities as (

    select * from {{ ref('ml_customer_identities') }}

),

numbers as (

    select
        *,
        {{ fold_number("substr(record_id, 4)") }} as folded_number
    from identities
    where record_id like 'id:%'

),

customers as (

    select
        stg_customers.customer_id,
        stg_customers.email,
        numbers.customer_key,
        numbers.record_key,
        count(*) over (partition by stg_customers.email) as records_of_address
    from {{ ref('stg_crm__customers') }} as stg_customers
    left join numbers on 'id:' || stg_customers.customer_id = numbers.record_id
    where stg_customers.rejection_reason is null and stg_customers.email is not null

),

addresses as (

    select
        email,
        customer_key,
        record_key
    from customers
    where customer_key is not null

    union all

    select
        substr(record_id, 7) as email,
        customer_key,
        record_key
    from identities
    where record_id like 'guest:%'

),

-- A record that came in since persons were last told apart: whose address it has, where that is
-- not one of many (as for identity). Only withdrawals are taken from it.
newcomers as (

    select distinct
        customers.customer_id,
        addresses.customer_key,
        addresses.record_key
    from customers
    inner join addresses on customers.email = addresses.email
    where
        customers.customer_key is null
        and customers.records_of_address <= {{ var('max_records_per_key') }}

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
        decisions.customer_id,
        {{ fold_number('decisions.customer_id') }} as folded_number,
        decisions.purpose,
        decisions.recorded_at
    from decisions
    left join numbers on 'id:' || decisions.customer_id = numbers.record_id
    where decisions.rejection_reason is not null or numbers.record_id is null

),

found as (

    select
        numbers.customer_key,
        numbers.record_key,
        left_over.purpose,
        left_over.recorded_at
    from left_over
    inner join numbers on left_over.folded_number = numbers.folded_number

    union all

    select
        newcomers.customer_key,
        newcomers.record_key,
        left_over.purpose,
        left_over.recorded_at
    from left_over
    inner join newcomers on left_over.customer_id = newcomers.customer_id

),

-- Without a date that can be true it counts now, whatever was granted before.
final as (

    select distinct
        found.customer_key,
        found.record_key,
        purposes.purpose,
        case
            when found.recorded_at is null or {{ is_before_records('found.recorded_at') }}
                then cast(as_of.as_of_date as timestamp)
            else found.recorded_at
        end as recorded_at
    from found
    inner join purposes
        on
            found.purpose = purposes.purpose
            or found.purpose is null
            or found.purpose not in ('email_marketing', 'profiling', 'ad_targeting')
    cross join as_of

)

select * from final
