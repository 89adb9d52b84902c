-- One row per source table: every row that came in was kept or set aside.
with counted as (

    select * from {{ ref('int_source_rows_counted') }}

),

final as (

    select
        source_name,
        table_name,
        cast(rows_in as bigint) as rows_in,
        cast(rows_kept as bigint) as rows_kept,
        cast(rows_set_aside as bigint) as rows_set_aside,
        cast(rows_flagged as bigint) as rows_flagged,
        is_switched_on
    from counted

)

select * from final
