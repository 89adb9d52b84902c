-- One row per rule and pair of records that share a normalised key: what the rules propose.
with records as (

    select * from {{ ref('int_identity_records') }}

),

-- A phone is often a household's: it speaks for two records only when the first name agrees. A
-- switchboard is known by all who have it, for there two of one first name are not rare.
keys as (

    select
        record_id,
        'same_email' as rule,
        email as shared_key,
        email as counted_key
    from records
    where email is not null

    union all

    select
        record_id,
        'same_phone_and_first_name' as rule,
        phone || ' ' || first_name_folded as shared_key,
        phone as counted_key
    from records
    where phone is not null and first_name_folded is not null

),

counted as (

    select
        record_id,
        rule,
        shared_key,
        min(record_id) over (partition by rule, shared_key) as first_record_id,
        count(*) over (partition by rule, counted_key) as records_with_key
    from keys

),

-- Every pair, for one record of the group may contradict another. Of a key that too many share
-- (a switchboard, a till) only the pairs with the first record are told.
final as (

    select
        one.record_id as record_id_a,
        other.record_id as record_id_b,
        one.rule,
        one.records_with_key
    from counted as one
    inner join counted as other
        on
            one.rule = other.rule
            and one.shared_key = other.shared_key
            and one.record_id < other.record_id
    where
        one.records_with_key <= {{ var('max_records_per_key') }}
        or one.record_id = one.first_record_id

)

select * from final
