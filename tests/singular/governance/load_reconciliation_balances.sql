-- Rows in = rows kept + rows set aside, for every source table. A difference means that rows were
-- lost or made up in staging: find the model of the table named here.
select *
from {{ ref('load_reconciliation') }}
where rows_in <> rows_kept + rows_set_aside
