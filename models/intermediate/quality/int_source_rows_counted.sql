-- One row per source table: rows of the file beside rows kept, set aside and flagged.
{%- set relations = {
    'crm.customers': source('crm', 'customers'),
    'crm.consents': source('crm', 'consents'),
    'crm.support_tickets': source('crm', 'support_tickets'),
    'crm.erasure_requests': source('crm', 'erasure_requests'),
    'shop.orders': source('shop', 'orders'),
    'shop.order_lines': source('shop', 'order_lines'),
    'shop.products': source('shop', 'products'),
    'web.events': source('web', 'events'),
    'email.campaigns': source('email', 'campaigns'),
    'email.events': source('email', 'events'),
    'survey.responses': source('survey', 'responses'),
    'social.mentions': source('social', 'mentions'),
    'external.area_statistics': source('external', 'area_statistics'),
} %}
with rows_in as (

    -- Counted in the file itself, so that a row lost on the way shows.
    {%- for table in contract_tables() %}
    select
        '{{ table.table }}' as source_table,
        {{ source_is_on(table.table) }} as is_switched_on,
        count(*) as rows_in
    from {{ source_rows(relations[table.table], table.table, read_by=table.model) }}
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

rows_staged as (

    {%- for table in contract_tables() %}
    select
        '{{ table.table }}' as source_table,
        count(*) filter (where rejection_reason is null) as rows_kept
    from {{ ref(table.model) }}
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

rows_set_aside as (

    select
        source_name || '.' || table_name as source_table,
        count(*) as rows_set_aside
    from {{ ref('int_records_quarantined') }}
    group by source_name, table_name

),

-- A row that breaks several rules is one row.
rows_flagged as (

    select
        source_table,
        count(*) as rows_flagged
    from (
        select distinct
            source_name || '.' || table_name as source_table,
            record_id,
            occurrence
        from {{ ref('int_records_flagged') }}
    ) as flagged
    group by source_table

),

final as (

    select
        split_part(rows_in.source_table, '.', 1) as source_name,
        split_part(rows_in.source_table, '.', 2) as table_name,
        rows_in.rows_in,
        rows_staged.rows_kept,
        coalesce(rows_set_aside.rows_set_aside, 0) as rows_set_aside,
        coalesce(rows_flagged.rows_flagged, 0) as rows_flagged,
        rows_in.is_switched_on
    from rows_in
    inner join rows_staged on rows_in.source_table = rows_staged.source_table
    left join rows_set_aside on rows_in.source_table = rows_set_aside.source_table
    left join rows_flagged on rows_in.source_table = rows_flagged.source_table

)

select * from final
