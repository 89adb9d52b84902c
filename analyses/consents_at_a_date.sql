-- One row per purpose: how many people had agreed and how many had withdrawn at the end of a day.
-- For another day than the one before the as-of date: --vars '{consents_on: 2024-05-01}'.
with consents as (

    select * from {{ ref('int_consents_over_time') }}

),

asked as (

    select
        {% if var('consents_on', none) %}
        {{ add_days("cast('" ~ var('consents_on') ~ "' as date)", 1) }}
        {% else %}
        as_of_date
        {% endif %} as asked_on
    from {{ ref('int_as_of_date') }}

),

final as (

    select
        consents.purpose,
        count(*) filter (where consents.is_granted) as agreed,
        count(*) filter (where not consents.is_granted) as withdrawn
    from consents
    cross join asked
    where {{ holds_at('consents.valid_from', 'consents.valid_to', 'asked.asked_on') }}
    group by consents.purpose

)

select * from final
