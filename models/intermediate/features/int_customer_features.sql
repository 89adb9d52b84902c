-- One row per customer_key and cutoff with a purchase before it: all that a model may learn from.
{{- config(meta={'rows_of': 'int_purchases_measured'}) }}
{%- set measured = measured_features() %}
with purchases as (

    select * from {{ ref('int_purchases_measured') }}

),

trends as (

    select * from {{ ref('int_trends_measured') }}

),

rhythm as (

    select * from {{ ref('int_rhythm_measured') }}

),

seasons as (

    select * from {{ ref('int_seasons_measured') }}

),

lifetimes as (

    select * from {{ ref('ml_customer_lifetimes') }}

),

taste as (

    select * from {{ ref('int_taste_measured') }}

),

web_use as (

    select * from {{ ref('int_web_use_measured') }}

),

email_response as (

    select * from {{ ref('int_email_response_measured') }}

),

attention as (

    select * from {{ ref('int_attention_measured') }}

),

care as (

    select * from {{ ref('int_care_measured') }}

),

mentions as (

    select * from {{ ref('int_mentions_measured') }}

),

registrations as (

    select * from {{ ref('int_registrations_measured') }}

),

engagement as (

    select * from {{ ref('int_engagement_measured') }}

),

customers as (

    select * from {{ ref('int_customers_merged') }}

),

permissions as (

    select * from {{ ref('int_customer_permissions') }}

),

areas as (

    select * from {{ ref('stg_external__area_statistics') }} where rejection_reason is null

),

final as (

    select
        purchases.customer_key,
        purchases.cutoff_name,
        purchases.split,
        purchases.cutoff_on,
        -- No feature: who may be learned from and scored today, whatever the cutoff.
        permissions.may_be_profiled,
        {%- for relation, groups in measured.items() %}
        {%- for table, is_zero, features in groups %}
        {%- for feature in features %}
        {%- set type = 'string' if feature in category_features() else 'double' %}
        {%- set value = relation ~ '.' ~ feature %}
        {%- set value = 'coalesce(' ~ value ~ ', 0)' if is_zero else value %}
        cast({{ if_source_on(table, value, type) if table else value }} as {{ type }})
            as {{ feature }},
        {%- endfor %}
        {%- endfor %}
        {%- endfor %}
        cast({{ days_between('engagement.last_interaction_on', 'purchases.cutoff_on') }} as double)
            as days_since_contact,
        'q' || cast(
            extract(quarter from {{ add_days('purchases.cutoff_on', var('horizon_days') // 2) }})
            as string
        ) as quarter_ahead,
        -- What a record of the customer file says today describes, and no score learns from it.
        {{ age_in_years('customers.birth_on', 'purchases.cutoff_on') }} as age_years,
        cast(areas.median_income as double) as median_income,
        cast(areas.population_density as double) as population_density,
        cast(areas.unemployment_rate as double) as unemployment_rate,
        cast(areas.distance_to_centre_km as double) as distance_to_centre_km,
        greatest(
            {%- for relation in measured %}
            coalesce({{ relation }}.last_event_at, purchases.last_event_at)
            {{- "," if not loop.last }}
            {%- endfor %}
        ) as last_event_at
    from purchases
    {% for relation in measured if relation != 'purchases' -%}
    left join {{ relation }}
        on
            purchases.customer_key = {{ relation }}.customer_key
            and purchases.cutoff_name = {{ relation }}.cutoff_name
    {% endfor -%}
    left join customers on purchases.customer_key = customers.customer_key
    left join permissions on purchases.customer_key = permissions.customer_key
    left join areas
        on
            customers.country_code = areas.country_code
            and {{ postcode_prefix('customers.postcode') }} = areas.postcode_prefix

)

select * from final
