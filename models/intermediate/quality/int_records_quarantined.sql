-- One row per source row that was set aside.
with set_aside as (

    {%- for table in contract_tables() %}
    select
        '{{ table.table.split(".")[0] }}' as source_name,
        '{{ table.table.split(".")[1] }}' as table_name,
        coalesce({{ table.key }}, '?') as record_id,
        occurrence,
        rejection_reason as reason_code
    from {{ ref(table.model) }}
    where rejection_reason is not null
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

reasons as (

    select * from {{ ref('rejection_reasons') }}

),

final as (

    select
        set_aside.source_name,
        set_aside.table_name,
        set_aside.record_id,
        set_aside.occurrence,
        set_aside.reason_code,
        reasons.reason,
        reasons.what_to_do
    from set_aside
    left join reasons on set_aside.reason_code = reasons.reason_code

)

select * from final
