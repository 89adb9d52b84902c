-- The best tier has the lowest number, shares grow with it, and the last reaches all customers. A
-- row here is a customer without a tier, or a tier nobody can be in.
with tiers as (

    select
        tier_number,
        share_from_top,
        lag(share_from_top) over (order by tier_number) as share_before
    from {{ ref('value_tiers') }}

)

select
    tier_number,
    share_from_top
from tiers
where share_from_top <= share_before

union all

select
    max(tier_number) as tier_number,
    max(share_from_top) as share_from_top
from tiers
having max(share_from_top) <> 1
