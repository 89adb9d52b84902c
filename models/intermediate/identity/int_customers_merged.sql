-- One row per customer_key: what its records say together, column by column by survivorship_rules.
{%- set columns = {
    'country_code': 'string',
    'postcode': 'string',
    'birth_on': 'date',
    'gender': 'string',
    'profession': 'string',
    'household_income': 'double',
    'social_handle': 'string',
    'acquisition_channel': 'string',
} %}
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

    select * from {{ ref('survivorship_rules') }}

),

described as (

    select
        identities.customer_key,
        identities.record_id,
        identities.source_name,
        crm_customers.updated_at,
        crm_customers.created_at,
        {%- for column in columns %}
        cast(crm_customers.{{ column }} as string) as {{ column }},
        {%- endfor %}
        {%- for column in columns %}
        case when crm_customers.{{ column }} is null then 0 else 1 end
        {%- if not loop.last %} +{% else %} as filled{% endif %}
        {%- endfor %}
    from identities
    inner join crm_customers on identities.record_id = 'id:' || crm_customers.customer_id

),

stated as (
    {% for column in columns %}
    select
        customer_key,
        record_id,
        source_name,
        updated_at,
        created_at,
        filled,
        '{{ column }}' as column_name,
        {{ column }} as stated_value
    from described
    where {{ column }} is not null
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

-- What the rule does not decide goes to the most recent record, then to the smaller record_id.
ranked as (

    select
        stated.customer_key,
        stated.column_name,
        stated.stated_value,
        row_number() over (
            partition by stated.customer_key, stated.column_name
            order by
                case
                    when rules.rule = 'trusted_source'
                        then
                            nullif(
                                {{ dbt.position('stated.source_name', 'rules.trusted_sources') }}, 0
                            )
                end asc nulls last,
                case when rules.rule = 'most_complete' then stated.filled end desc nulls last,
                case when rules.rule = 'earliest' then stated.created_at end asc nulls last,
                stated.updated_at desc nulls last,
                stated.created_at desc nulls last,
                stated.record_id asc
        ) as preference
    from stated
    inner join rules on stated.column_name = rules.column_name

),

surviving as (

    select
        {%- for column in columns %}
        max(case when column_name = '{{ column }}' then stated_value end) as {{ column }},
        {%- endfor %}
        customer_key
    from ranked
    where preference = 1
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
        {%- for column, type in columns.items() %}
        cast(surviving.{{ column }} as {{ type }}) as {{ column }},
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
