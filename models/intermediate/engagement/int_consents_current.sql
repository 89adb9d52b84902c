-- One row per customer_key and purpose that was ever decided: the state at the as-of date.
with consents as (

    select * from {{ ref('int_consents_over_time') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

-- A withdrawal counts as soon as it is known, a grant from the as-of date on.
final as (

    select
        consents.customer_key,
        consents.purpose,
        bool_and(consents.is_granted) as is_granted,
        max(consents.valid_from) as valid_from
    from consents
    cross join as_of
    where
        {{ holds_at('consents.valid_from', 'consents.valid_to', 'as_of.as_of_date') }}
        or (consents.valid_from >= as_of.as_of_date and not consents.is_granted)
    group by consents.customer_key, consents.purpose

)

select * from final
