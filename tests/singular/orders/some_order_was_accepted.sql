-- Without one accepted order there is no today and no customer. Look at quarantined_records: most
-- often every date or every currency could not be read.
select *
from {{ ref('int_as_of_date') }}
where as_of_date is null or history_starts_on is null
