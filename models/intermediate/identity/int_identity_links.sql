-- One row per rule and pair of records that share a normalised key.
with records as (

    select * from {{ ref('int_identity_records') }}

),

-- A phone is often a household's: it links two records only when the first name agrees as well.
keys as (

    select
        record_id,
        'same_email' as rule,
        email as shared_key
    from records
    where email is not null

    union all

    select
        record_id,
        'same_phone_and_first_name' as rule,
        phone || ' ' || first_name_folded as shared_key
    from records
    where phone is not null and first_name_folded is not null

),

-- Each record is linked to the first of its group: transitive closure needs no more.
grouped as (

    select
        record_id,
        rule,
        min(record_id) over (partition by rule, shared_key) as first_record_id,
        count(*) over (partition by rule, shared_key) as records_with_key
    from keys

),

final as (

    select
        first_record_id as record_id_a,
        record_id as record_id_b,
        rule,
        cast(1 as double) as weight,
        records_with_key,
        records_with_key <= {{ var('max_records_per_key') }} as is_accepted
    from grouped
    where record_id <> first_record_id

)

select * from final
