-- One row per customer_key: what its records say together, column by column by survivorship_rules.
{%- set columns = [
    'country_code', 'postcode', 'birth_on', 'gender', 'profession', 'household_income',
    'social_handle', 'acquisition_channel'
] %}
with identities as (

    select * from {{ ref('ml_customer_identities') }}

),

records as (

    select * from {{ ref('int_identity_records') }}

),

crm_customers as (

    select * from {{ ref('stg_crm__customers') }} where rejection_reason is null

),

rules as (

    select
        {%- for column in columns %}
        max(case when column_name = '{{ column }}' then rule end) as {{ column }}_rule,
        max(case when column_name = '{{ column }}' then trusted_sources end)
            as {{ column }}_sources,
        {%- endfor %}
        count(*) as rules
    from {{ ref('survivorship_rules') }}

),

described as (

    select
        identities.customer_key,
        identities.record_id,
        identities.source_name,
        crm_customers.updated_at,
        crm_customers.created_at,
        {%- for column in columns %}
        crm_customers.{{ column }},
        {%- endfor %}
        {%- for column in columns %}
        case when crm_customers.{{ column }} is null then 0 else 1 end
        {%- if not loop.last %} +{% else %} as filled{% endif %}
        {%- endfor %}
    from identities
    inner join crm_customers on identities.record_id = 'id:' || crm_customers.customer_id

),

-- What a column's rule does not decide goes to the most recent record, then to the smaller id.
preferred as (

    select
        {%- for column in columns %}
        {%- set sources = 'rules.' ~ column ~ '_sources' %}
        row_number() over (
            partition by described.customer_key
            order by
                case
                    when rules.{{ column }}_rule = 'trusted_source'
                        then nullif({{ dbt.position('described.source_name', sources) }}, 0)
                end asc nulls last,
                case
                    when rules.{{ column }}_rule = 'most_complete' then described.filled
                end desc nulls last,
                case
                    when rules.{{ column }}_rule = 'earliest' then described.created_at
                end asc nulls last,
                described.updated_at desc nulls last,
                described.created_at desc nulls last,
                described.record_id asc
        ) as {{ column }}_preference,
        {%- endfor %}
        described.*
    from described
    cross join rules

),

surviving as (

    select
        {%- for column in columns %}
        min_by({{ column }}, {{ column }}_preference)
        filter (where {{ column }} is not null) as {{ column }},
        {%- endfor %}
        customer_key
    from preferred
    group by customer_key

),

counted as (

    select
        identities.customer_key,
        min(records.first_seen_at) as first_recorded_at,
        count(*) as record_count,
        bool_and(
            identities.source_name = 'shop.orders' and identities.record_id like 'guest:%'
        ) as is_guest_only,
        min(identities.household_key) as household_key,
        min(identities.household_size) as household_size
    from identities
    inner join records on identities.record_id = records.record_id
    group by identities.customer_key

),

final as (

    select
        counted.customer_key,
        {%- for column in columns %}
        surviving.{{ column }},
        {%- endfor %}
        counted.first_recorded_at,
        counted.record_count,
        counted.is_guest_only,
        counted.household_key,
        counted.household_size
    from counted
    left join surviving on counted.customer_key = surviving.customer_key

)

select * from final
