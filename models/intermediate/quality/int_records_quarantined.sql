-- One row per source row that was set aside.
with set_aside as (

    {%- for table in contract_tables() %}
    select
        '{{ table.table.split(".")[0] }}' as source_name,
        '{{ table.table.split(".")[1] }}' as table_name,
        {%- if table.table in arriving_tables() %}
        source_file,
        {%- else %}
        '{{ source_file(table.table) }}' as source_file,
        {%- endif %}
        coalesce({{ table.key }}, '?') as record_id,
        occurrence,
        rejection_reason as reason_code,
        raw_row
    from {{ ref(table.model) }}
    where rejection_reason is not null
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

rules as (

    select * from {{ ref('quality_rules') }} where severity = 'blocking'

),

final as (

    select
        set_aside.source_name,
        set_aside.table_name,
        set_aside.source_file,
        set_aside.record_id,
        set_aside.occurrence,
        set_aside.reason_code,
        rules.reason,
        rules.what_to_do,
        set_aside.raw_row
    from set_aside
    left join rules
        on
            set_aside.source_name = rules.source_name
            and set_aside.table_name = rules.table_name
            and set_aside.reason_code = rules.reason_code

)

select * from final
