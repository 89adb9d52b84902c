-- One row per source row that was set aside, with the reason and what to do about it.
with quarantined as (

    select * from {{ ref('int_records_quarantined') }}

),

identities as (

    select * from {{ ref('ml_customer_identities') }}

),

-- A customer number is personal data: people stand here under their key, if they have one.
known as (

    select
        *,
        source_name = 'crm' and table_name = 'customers' as is_person
    from quarantined

),

named as (

    select
        known.*,
        identities.customer_key
    from known
    left join identities
        on case when known.is_person then 'id:' || known.record_id end = identities.record_id

),

numbered as (

    select
        *,
        row_number() over (
            partition by source_name, table_name, customer_key
            order by record_id asc, occurrence asc
        ) as running_number
    from named

),

final as (

    select
        source_name,
        table_name,
        source_file,
        case
            when not is_person then record_id
            when customer_key is not null then customer_key
            else 'unknown person'
        end as record_id,
        cast(case when is_person then running_number else occurrence end as bigint) as occurrence,
        reason_code,
        reason,
        what_to_do,
        case
            {%- for table in contract_tables() %}
            when
                source_name = '{{ table.table.split(".")[0] }}'
                and table_name = '{{ table.table.split(".")[1] }}'
                then {{ mask_json('raw_row', table.personal) }}
            {%- endfor %}
        end as masked_row
    from numbered

)

select * from final
