-- One row per rule and pair of records: how likely they are one person, and what was decided.
with links as (

    select * from {{ ref('ml_identity_links') }}

),

identities as (

    select * from {{ ref('ml_customer_identities') }}

),

final as (

    select
        one.record_key as record_key_a,
        other.record_key as record_key_b,
        one.customer_key as customer_key_a,
        other.customer_key as customer_key_b,
        links.rule,
        links.weight,
        cast(links.records_with_key as bigint) as records_with_key,
        links.decision,
        links.is_accepted
    from links
    inner join identities as one on links.record_id_a = one.record_id
    inner join identities as other on links.record_id_b = other.record_id

)

select * from final
