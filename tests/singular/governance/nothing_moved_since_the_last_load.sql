-- What moved since the last load, or lies outside its range. Read it before trusting a segment;
-- then mend the source, or let the next load be compared with this one.
{{ config(severity='warn') }}

select
    source_name,
    table_name,
    column_name,
    measure,
    finding
from {{ ref('quality_audit') }}
where verdict in ('moderate', 'major', 'out_of_range')
