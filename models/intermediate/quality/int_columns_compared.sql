-- One row per source table, column and measure of this load, beside the last load.
with history as (

    select
        *,
        max(load_number) over () as latest
    from {{ ref('int_load_history') }}

),

now_and_before as (

    select
        source_name,
        table_name,
        column_name,
        measure,
        bucket,
        max(case when load_number = latest then value end) as value_now,
        max(case when load_number = latest - 1 then value end) as value_before
    from history
    where load_number >= latest - 1
    group by source_name, table_name, column_name, measure, bucket

),

counted as (

    select
        source_name,
        table_name,
        column_name,
        max(case when measure in ('profiled_rows', 'table_rows') then value_now end) as rows_now,
        max(case when measure in ('profiled_rows', 'table_rows') then value_before end)
            as rows_before
    from now_and_before
    group by source_name, table_name, column_name

),

buckets as (

    select
        *,
        coalesce(value_now, 0) as now_rows,
        coalesce(value_before, 0) as before_rows,
        sum(coalesce(value_now, 0)) over (
            partition by source_name, table_name, column_name
        ) as all_now,
        sum(coalesce(value_before, 0)) over (
            partition by source_name, table_name, column_name
        ) as all_before,
        count(*) over (partition by source_name, table_name, column_name) as bucket_count
    from now_and_before
    where measure in ('bucket', 'category')

),

-- Half a row more in every bucket: an empty one weighs much, but not infinitely. A category is new
-- when it is so frequent that the last load would have shown it, had it been there.
shares as (

    select
        *,
        (now_rows + 0.5) / (all_now + 0.5 * bucket_count) as share_now,
        (before_rows + 0.5) / (all_before + 0.5 * bucket_count) as share_before,
        measure = 'category'
        and bucket <> 'other'
        and before_rows = 0
        and now_rows >= {{ var('audit_new_category_share') }} * all_now
        and {{ is_visible('now_rows / all_now * all_before') }} as is_new,
        measure = 'category'
        and bucket <> 'other'
        and now_rows = 0
        and before_rows >= {{ var('audit_new_category_share') }} * all_before
        and {{ is_visible('before_rows / all_before * all_now') }} as is_vanished
    from buckets
    where all_now > 0 and all_before > 0

),

distributions as (

    select
        source_name,
        table_name,
        column_name,
        round(sum((share_now - share_before) * ln(share_now / share_before)), 9) as psi,
        max(1 / all_now + 1 / all_before)
        * {{ chi_square_quantile('greatest(max(bucket_count) - 1, 1)', var('audit_z')) }}
            as psi_limit,
        {{ sorted_texts('case when is_new then bucket end') }} as new_categories,
        {{ sorted_texts('case when is_vanished then bucket end') }} as vanished_categories
    from shares
    group by source_name, table_name, column_name

),

measures as (

    select
        source_name,
        table_name,
        column_name,
        measure,
        value_now,
        value_before
    from now_and_before
    where measure not in ('bucket', 'category') and value_now is not null

    union all

    select
        source_name,
        table_name,
        column_name,
        'distribution' as measure,
        count(value_now) as value_now,
        nullif(count(value_before), 0) as value_before
    from buckets
    group by source_name, table_name, column_name
    having count(value_now) > 0

),

final as (

    select
        measures.source_name,
        measures.table_name,
        measures.column_name,
        measures.measure,
        cast(measures.value_now as double) as value_now,
        cast(measures.value_before as double) as value_before,
        counted.rows_now,
        counted.rows_before,
        distributions.psi,
        distributions.psi_limit,
        distributions.new_categories,
        distributions.vanished_categories
    from measures
    inner join counted
        on
            measures.source_name = counted.source_name
            and measures.table_name = counted.table_name
            and measures.column_name = counted.column_name
    left join distributions
        on
            measures.source_name = distributions.source_name
            and measures.table_name = distributions.table_name
            and measures.column_name = distributions.column_name
            and measures.measure = 'distribution'

)

select * from final
