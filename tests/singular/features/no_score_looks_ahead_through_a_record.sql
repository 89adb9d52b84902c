-- The customer file holds the present state of each record, also of one made or changed after the
-- cutoff. A score learns of it only what was on record then and cannot have changed. A row here is
-- leakage through a dimension: a value of a later record, or a feature of the present state.
with features as (

    select * from {{ ref('int_customer_features') }}

),

records as (

    select
        identities.customer_key,
        records.created_at,
        records.acquisition_channel
    from {{ ref('stg_crm__customers') }} as records
    inner join {{ ref('ml_customer_identities') }} as identities
        on identities.record_id = 'id:' || records.customer_id
    where records.rejection_reason is null

),

known as (

    select distinct
        features.customer_key,
        features.cutoff_name,
        records.acquisition_channel
    from features
    inner join records
        on features.customer_key = records.customer_key and features.cutoff_on > records.created_at

)

select
    features.customer_key || ' ' || features.cutoff_name as row_or_feature,
    'of a record made after the cutoff' as reason
from features
where
    (
        features.acquisition_channel is not null
        and not exists (
            select known.customer_key
            from known
            where
                known.customer_key = features.customer_key
                and known.cutoff_name = features.cutoff_name
                and known.acquisition_channel = features.acquisition_channel
        )
    )
    or (
        features.days_since_registration is not null
        and not exists (
            select known.customer_key
            from known
            where
                known.customer_key = features.customer_key
                and known.cutoff_name = features.cutoff_name
        )
    )

union all

select
    feature as row_or_feature,
    'the file keeps only its present state' as reason
from {{ ref('feature_definitions') }}
where
    in_propensity
    and source_table in ('crm.customers', 'crm.consents', 'external.area_statistics')
    and feature not in ('acquisition_channel', 'days_since_registration')
