-- One row per rule of quality: how many rows were looked at, and how many break it.
with rules as (

    select * from {{ ref('quality_rules') }}

),

rows_counted as (

    select * from {{ ref('int_source_rows_counted') }}

),

set_aside as (

    select
        source_name,
        table_name,
        reason_code,
        count(*) as rows_affected
    from {{ ref('int_records_quarantined') }}
    group by source_name, table_name, reason_code

),

flagged as (

    select
        source_name,
        table_name,
        reason_code,
        count(*) as rows_affected
    from {{ ref('int_records_flagged') }}
    group by source_name, table_name, reason_code

),

-- Judged per person, so only after identity.
returns as (

    select
        'shop' as source_name,
        'order_lines' as table_name,
        'return_without_sale' as reason_code,
        count(*) as rows_affected
    from {{ ref('int_order_lines_netted') }}
    where is_return_without_sale

),

-- Judged against all lines of the product.
extremes as (

    select
        'shop' as source_name,
        'order_lines' as table_name,
        reason_code,
        count(*) as rows_affected
    from {{ ref('ml_order_line_outliers') }}
    where is_extreme
    group by reason_code

),

found as (

    select * from set_aside
    union all
    select * from flagged
    union all
    select * from returns
    union all
    select * from extremes

),

final as (

    select
        rules.source_name,
        rules.table_name,
        rules.reason_code,
        rules.severity,
        rules.reason,
        rules.what_to_do,
        cast(rows_counted.rows_in as bigint) as rows_checked,
        cast(coalesce(found.rows_affected, 0) as bigint) as rows_affected,
        cast(coalesce(found.rows_affected, 0) as double)
        / nullif(rows_counted.rows_in, 0) as share
    from rules
    inner join rows_counted
        on
            rules.source_name = rows_counted.source_name
            and rules.table_name = rows_counted.table_name
    left join found
        on
            rules.source_name = found.source_name
            and rules.table_name = found.table_name
            and rules.reason_code = found.reason_code

)

select * from final
