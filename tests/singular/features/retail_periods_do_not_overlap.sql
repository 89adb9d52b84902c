-- A day of the year belongs to one retail period at most, and a period ends in the year it begins.
-- A row here counts purchases twice.
with periods as (

    select
        *,
        starts_month * 100 + starts_day as starts_at,
        ends_month * 100 + ends_day as ends_at
    from {{ ref('retail_periods') }}

)

select
    earlier.period,
    later.period as other_period
from periods as earlier
inner join periods as later
    on
        earlier.period < later.period
        and earlier.starts_at <= later.ends_at
        and earlier.ends_at >= later.starts_at

union all

select
    period,
    period as other_period
from periods
where starts_at > ends_at
