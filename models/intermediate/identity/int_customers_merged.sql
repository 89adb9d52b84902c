-- One row per customer_key: what its records say together, the most recent first.
with identities as (

    select * from {{ ref('ml_customer_identities') }}

),

records as (

    select * from {{ ref('int_identity_records') }}

),

crm_customers as (

    select * from {{ ref('stg_crm__customers') }} where rejection_reason is null

),

-- The latest value that is there wins, column by column; ties go to the smaller record_id.
ranked as (

    select
        identities.customer_key,
        identities.record_id,
        identities.source_name,
        records.first_seen_at,
        crm_customers.country_code,
        crm_customers.postcode,
        crm_customers.birth_on,
        crm_customers.gender,
        crm_customers.profession,
        crm_customers.household_income,
        crm_customers.acquisition_channel,
        crm_customers.social_handle,
        row_number() over (
            partition by identities.customer_key
            order by
                crm_customers.updated_at desc nulls last,
                crm_customers.created_at desc nulls last,
                identities.record_id asc
        ) as preference,
        row_number() over (
            partition by identities.customer_key
            order by crm_customers.created_at asc nulls last, identities.record_id asc
        ) as age_rank
    from identities
    inner join records on identities.record_id = records.record_id
    left join crm_customers on identities.record_id = 'id:' || crm_customers.customer_id

),

final as (

    select
        customer_key,
        {%- for column in [
            'country_code', 'postcode', 'birth_on', 'gender', 'profession', 'household_income',
            'social_handle'
        ] %}
        min_by({{ column }}, preference) filter (where {{ column }} is not null) as {{ column }},
        {%- endfor %}
        -- How a customer was won is a fact of the first record, not of the last.
        min_by(acquisition_channel, age_rank)
        filter (where acquisition_channel is not null) as acquisition_channel,
        min(first_seen_at) as first_recorded_at,
        count(*) as record_count,
        bool_and(source_name = 'shop.orders' and record_id like 'guest:%') as is_guest_only
    from ranked
    group by customer_key

)

select * from final
