-- One row per customer_key, purpose and period in which the consent of the person did not change.
with consents as (

    select * from {{ ref('stg_crm__consents') }} where rejection_reason is null

),

email_events as (

    select * from {{ ref('stg_email__events') }} where rejection_reason is null

),

identities as (

    select * from {{ ref('ml_customer_identities') }}

),

withdrawals_set_aside as (

    select * from {{ ref('int_withdrawals_set_aside') }}

),

-- Who unsubscribes in a mail withdraws as surely as who does so in the CRM. A bounce says that an
-- address does not work, not that a person decided: it is no withdrawal.
decisions as (

    select
        customer_id,
        purpose,
        recorded_at,
        status = 'withdrawn' as is_withdrawal
    from consents

    union all

    select
        customer_id,
        'email_marketing' as purpose,
        event_at as recorded_at,
        true as is_withdrawal
    from email_events
    where event_name = 'unsubscribe'

),

known as (

    select
        identities.customer_key,
        identities.record_key,
        decisions.purpose,
        decisions.recorded_at,
        decisions.is_withdrawal
    from decisions
    inner join identities on 'id:' || decisions.customer_id = identities.record_id

    union all

    select
        customer_key,
        record_key,
        purpose,
        recorded_at,
        true as is_withdrawal
    from withdrawals_set_aside

),

-- At the same instant a withdrawal of a record beats its grant.
states as (

    select
        customer_key,
        record_key,
        purpose,
        recorded_at,
        max(case when is_withdrawal then 1 else 0 end) as withdrawn
    from known
    group by customer_key, record_key, purpose, recorded_at

),

steps as (

    select
        *,
        withdrawn
        - coalesce(
            lag(withdrawn) over (partition by record_key, purpose order by recorded_at), 0
        ) as step
    from states

),

-- A person is as protected as the most protective record: granted while none is withdrawn.
counted as (

    select
        customer_key,
        purpose,
        recorded_at,
        sum(sum(step)) over (partition by customer_key, purpose order by recorded_at) = 0
            as is_granted
    from steps
    group by customer_key, purpose, recorded_at

),

compared as (

    select
        *,
        lag(is_granted) over (partition by customer_key, purpose order by recorded_at)
            as was_granted
    from counted

),

final as (

    select
        customer_key,
        purpose,
        is_granted,
        recorded_at as valid_from,
        lead(recorded_at) over (partition by customer_key, purpose order by recorded_at)
            as valid_to
    from compared
    where was_granted is null or was_granted <> is_granted

)

select * from final
