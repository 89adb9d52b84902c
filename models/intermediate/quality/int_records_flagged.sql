-- One row per kept source row and rule of lesser severity that it breaks.
with rules as (

    select * from {{ ref('quality_rules') }} where severity = 'warning'

),

customers as (

    select distinct customer_id from {{ ref('stg_crm__customers') }}

),

flagged as (

    {%- for table in contract_tables() %}
    select
        '{{ table.table.split(".")[0] }}' as source_name,
        '{{ table.table.split(".")[1] }}' as table_name,
        {{ table.key }} as record_id,
        occurrence,
        quality_flags
    from {{ ref(table.model) }}
    where rejection_reason is null and quality_flags is not null
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

-- What a row names in another source is nothing staging can look up.
orphans as (

    {%- for table in contract_tables()
        if table.table in ['shop.orders', 'web.events', 'email.events', 'survey.responses'] %}
    select
        '{{ table.table.split(".")[0] }}' as source_name,
        '{{ table.table.split(".")[1] }}' as table_name,
        {{ table.key }} as record_id,
        rows_kept.occurrence,
        'unknown_customer' as reason_code
    from {{ ref(table.model) }} as rows_kept
    left join customers on rows_kept.customer_id = customers.customer_id
    where
        rows_kept.rejection_reason is null
        and rows_kept.customer_id is not null
        and customers.customer_id is null
        and {{ source_is_on('crm.customers') and var('crm_covers_all_customers') }}
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

final as (

    select
        flagged.source_name,
        flagged.table_name,
        flagged.record_id,
        flagged.occurrence,
        rules.reason_code
    from flagged
    inner join rules
        on
            flagged.source_name = rules.source_name
            and flagged.table_name = rules.table_name
            and ',' || flagged.quality_flags || ',' like '%,' || rules.reason_code || ',%'

    union all

    select
        source_name,
        table_name,
        record_id,
        occurrence,
        reason_code
    from orphans

)

select * from final
