-- The periods of a person and purpose follow each other without gap or overlap, each the contrary
-- of the one before, and the last is open. A row here is a history that says two things of one
-- instant.
with periods as (

    select
        *,
        lead(valid_from) over (partition by customer_key, purpose order by valid_from)
            as next_valid_from,
        lead(is_granted) over (partition by customer_key, purpose order by valid_from)
            as is_granted_next
    from {{ ref('int_consents_over_time') }}

)

select *
from periods
where
    coalesce(valid_to <> next_valid_from, false)
    or (valid_to is null) <> (next_valid_from is null)
    or coalesce(is_granted = is_granted_next, false)
