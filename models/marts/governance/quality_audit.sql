-- One row per source table, column and measure of this load: what moved since the last one.
with compared as (

    select * from {{ ref('int_columns_compared') }}

),

audit_ranges as (

    select * from {{ ref('audit_ranges') }}

),

medians as (

    select * from {{ ref('int_columns_compared') }} where measure = 'q50'

),

measured as (

    select
        compared.*,
        compared.value_now - compared.value_before as value_change,
        abs(compared.value_now - compared.value_before) as difference,
        -- The chance size of a difference between two samples of these sizes.
        case
            when compared.measure = 'table_rows'
                then sqrt(compared.value_now + compared.value_before)
            when compared.measure in ('null_share', 'set_aside_share')
                then sqrt(
                    (compared.value_now + compared.value_before) / 2
                    * (1 - (compared.value_now + compared.value_before) / 2)
                    * (1 / compared.rows_now + 1 / compared.rows_before)
                )
        end * {{ var('audit_z') }} as chance,
        audit_ranges.minimum,
        audit_ranges.maximum,
        audit_ranges.reason,
        coalesce(compared.value_now < audit_ranges.minimum, false)
        or coalesce(compared.value_now > audit_ranges.maximum, false) as is_out_of_range,
        medians.value_now as median_now,
        medians.value_before as median_before
    from compared
    left join audit_ranges
        on
            compared.source_name = audit_ranges.source_name
            and compared.table_name = audit_ranges.table_name
            and compared.column_name = audit_ranges.column_name
            and compared.measure = audit_ranges.measure
    left join medians
        on
            compared.source_name = medians.source_name
            and compared.table_name = medians.table_name
            and compared.column_name = medians.column_name
            and compared.measure = 'distribution'

),

-- Quantiles and counts of different values are shown and held to their ranges; whether a column
-- moved is said by its distribution.
judged as (

    select
        *,
        case
            when is_out_of_range then 'out_of_range'
            when value_before is null then 'first_load'
            {%- for verdict in ['major', 'moderate'] %}
            when
                measure = 'distribution'
                and psi > {{ var('audit_psi')[verdict] }}
                and psi > psi_limit
                then '{{ verdict }}'
            when
                measure = 'table_rows'
                and difference > {{ var('audit_rows_change')[verdict] }} * value_before
                and difference > chance
                then '{{ verdict }}'
            when
                measure in ('null_share', 'set_aside_share')
                and difference > {{ var('audit_share_change')[verdict] }}
                and difference > chance
                then '{{ verdict }}'
            {%- endfor %}
            when new_categories is not null or vanished_categories is not null then 'moderate'
            else 'stable'
        end as verdict
    from measured

),

final as (

    select
        source_name,
        table_name,
        column_name,
        measure,
        value_now,
        value_before,
        value_change,
        psi,
        psi_limit,
        new_categories,
        vanished_categories,
        minimum,
        maximum,
        verdict,
        case
            when value_now < minimum
                then
                    'is ' || {{ in_words('value_now') }} || ', under the least of '
                    || {{ in_words('minimum') }} || ': ' || reason
            when value_now > maximum
                then
                    'is ' || {{ in_words('value_now') }} || ', over the most of '
                    || {{ in_words('maximum') }} || ': ' || reason
            when verdict in ('moderate', 'major') and measure = 'distribution'
                then
                    'PSI ' || {{ in_words('psi') }} || ' (' || verdict || ')'
                    || coalesce(
                        ', median ' || {{ in_words('median_before') }} || ' before and '
                        || {{ in_words('median_now') }} || ' now',
                        ''
                    )
                    || coalesce(', new: ' || new_categories, '')
                    || coalesce(', vanished: ' || vanished_categories, '')
            when verdict in ('moderate', 'major')
                then
                    {{ in_words('value_before') }} || ' before and '
                    || {{ in_words('value_now') }} || ' now (' || verdict || ')'
            when verdict = 'first_load' then 'no earlier load to compare with'
            else 'as in the last load'
        end as what_moved
    from judged

)

select
    source_name,
    table_name,
    column_name,
    measure,
    value_now,
    value_before,
    value_change,
    psi,
    psi_limit,
    new_categories,
    vanished_categories,
    minimum,
    maximum,
    verdict,
    source_name || '.' || table_name
    || case when column_name = '(table)' then '' else '.' || column_name end
    || ', ' || replace(measure, '_', ' ') || ': ' || what_moved as finding
from final
