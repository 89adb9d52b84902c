-- One row per customer_key and cutoff with a record in the customer file before it.
with records as (

    select * from {{ ref('stg_crm__customers') }} where rejection_reason is null

),

identities as (

    select * from {{ ref('ml_customer_identities') }}

),

cutoffs as (

    select * from {{ ref('int_cutoffs') }}

),

-- The file has only the present state of a record. Of that, only what cannot have changed since is
-- taken: when the record was made, and through which channel the customer came.
numbered as (

    select
        identities.customer_key,
        records.acquisition_channel,
        records.created_at,
        row_number() over (
            partition by identities.customer_key
            order by records.created_at asc, identities.record_id asc
        ) as record_number
    from records
    inner join identities on 'id:' || records.customer_id = identities.record_id
    where records.created_at is not null

),

final as (

    select
        numbered.customer_key,
        cutoffs.cutoff_name,
        {{ days_between('min(cast(numbered.created_at as date))', 'min(cutoffs.cutoff_on)') }}
            as days_since_registration,
        min_by(numbered.acquisition_channel, numbered.record_number)
        filter (where numbered.acquisition_channel is not null) as acquisition_channel,
        max(numbered.created_at) as last_event_at
    from numbered
    inner join cutoffs on numbered.created_at < cutoffs.cutoff_on
    group by numbered.customer_key, cutoffs.cutoff_name

)

select * from final
