-- No customer is first or last seen at or after the as-of date. A row here is knowledge from after
-- the date that the marts describe.
select
    customers.customer_key,
    customers.first_seen_on,
    customers.last_seen_on
from {{ ref('customers') }} as customers
cross join {{ ref('int_as_of_date') }} as as_of
where customers.first_seen_on >= as_of.as_of_date or customers.last_seen_on >= as_of.as_of_date
