-- The reference customer's log-odds, the effects of the drivers and those of all other features are
-- the customer's log-odds. A row here is a score whose explanation leaves something out.
select
    customer_key,
    target
from {{ ref('customer_scores') }}
where
    not abs(
        base_log_odds
        + coalesce(driver_1_effect, 0)
        + coalesce(driver_2_effect, 0)
        + coalesce(driver_3_effect, 0)
        + other_effect
        - log_odds
    ) < 1e-6
    or abs(coalesce(driver_1_effect, 0)) < abs(coalesce(driver_2_effect, 0))
    or abs(coalesce(driver_2_effect, 0)) < abs(coalesce(driver_3_effect, 0))
