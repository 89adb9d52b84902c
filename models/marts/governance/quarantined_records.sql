-- One row per source row that was set aside, with the reason and what to do about it.
with quarantined as (

    select * from {{ ref('int_records_quarantined') }}

),

final as (

    select
        source_name,
        table_name,
        record_id,
        cast(occurrence as bigint) as occurrence,
        reason_code,
        reason,
        what_to_do
    from quarantined

)

select * from final
