-- One row per source table, column, measure and bucket: what this load looks like.
{%- set tables = [] %}
{%- for table in contract_tables() %}
-- depends_on: {{ ref(table.model) }}
{%- set columns = audited_columns(table.table, table.model) %}
{%- if columns and source_is_on(table.table) %}
{%- do tables.append({
    'name': table.table, 'model': table.model, 'key': table.key, 'columns': columns
}) %}
{%- endif %}
{%- endfor %}
with as_of as (

    select * from {{ ref('int_as_of_date') }}

),

tables_counted as (

    select * from {{ ref('int_source_rows_counted') }} where is_switched_on

),

{% for table in tables %}
{{ table.model }}_columns as (

    {%- for column in table.columns %}
    select '{{ column.name }}' as column_name
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

{{ table.model }}_drawn as (

    select drawn.*
    from {{ ref(table.model) }} as drawn
    inner join tables_counted
        on tables_counted.source_name || '.' || tables_counted.table_name = '{{ table.name }}'
    where {{ is_profiled(table.key, 'tables_counted.rows_in', var('audit_sample_rows')) }}

),
{% endfor %}
-- A date is a number as well: the days from it to the as-of date, so that a load a month later
-- looks the same when business goes on as before.
cells as (

    {%- for table in tables %}
    select
        '{{ table.name }}' as source_table,
        listed.column_name,
        {{ listed_value(table.columns, ['number', 'date'], '0') }} as number,
        {{ listed_value(table.columns, ['text'], "''") }} as label
    from {{ table.model }}_drawn as drawn
    cross join as_of
    cross join {{ table.model }}_columns as listed
    union all
    {%- endfor %}
    select
        '' as source_table,
        '' as column_name,
        cast(null as double) as number,
        '' as label
    from as_of
    where 1 = 0

),

columns_measured as (

    select
        source_table,
        column_name,
        {%- for share in ['01', '05', '25', '50', '75', '95', '99'] %}
        percentile_cont(0.{{ share }}) within group (order by number) as q{{ share }},
        {%- endfor %}
        cast(nullif(approx_count_distinct(number), 0) as double) as numbers,
        count(*) filter (where number is null and label is null) / cast(count(*) as double)
            as null_share,
        count(*) as profiled_rows
    from cells
    group by source_table, column_name

),

numbers_counted as (

    select
        source_table,
        column_name,
        'bucket' as measure,
        cast(cast({{ size_bucket('number') }} as integer) as string) as bucket,
        count(*) as bucket_rows
    from cells
    where number is not null
    group by all

),

labels_counted as (

    select
        source_table,
        column_name,
        label,
        count(*) as bucket_rows,
        count(*) over (partition by source_table, column_name) as levels,
        row_number() over (
            partition by source_table, column_name
            order by count(*) desc, label asc
        ) as place
    from cells
    where label is not null
    group by source_table, column_name, label

),

-- Columns with many levels may be free text: none is kept, and no level that few rows have.
labels_kept as (

    select
        source_table,
        column_name,
        'category' as measure,
        case
            when place <= 50 and bucket_rows >= {{ var('audit_least_rows') }} then label
            else 'other'
        end as bucket,
        sum(bucket_rows) as bucket_rows
    from labels_counted
    where levels <= {{ var('audit_most_levels') }}
    group by all

),

final as (

    {%- for measure, value in {
        'table_rows': 'rows_in', 'set_aside_share': 'rows_set_aside / nullif(rows_in, 0)'
    }.items() %}
    {{ profile_rows(
        measure, value, 'tables_counted', "source_name || '.' || table_name", "'(table)'"
    ) }}
    union all
    {%- endfor %}
    {%- for measure in [
        'profiled_rows', 'null_share', 'q01', 'q05', 'q25', 'q50', 'q75', 'q95', 'q99'
    ] %}
    {{ profile_rows(measure, measure, 'columns_measured') }}
    union all
    {%- endfor %}
    {{ profile_rows('distinct', 'numbers', 'columns_measured') }}
    union all
    {{ profile_rows('distinct', 'levels', 'labels_counted where place = 1') }}
    union all
    select * from numbers_counted
    union all
    select * from labels_kept

)

select
    split_part(source_table, '.', 1) as source_name,
    split_part(source_table, '.', 2) as table_name,
    column_name,
    measure,
    bucket,
    cast(bucket_rows as double) as value
from final
where bucket_rows is not null
