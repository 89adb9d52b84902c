-- One row per customer_key and cutoff with a purchase before it: all that a model may learn from.
with purchases as (

    select * from {{ ref('int_purchases_measured') }}

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

care as (

    select * from {{ ref('int_care_measured') }}

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
        {%- for feature in [
            'recency_days', 'tenure_days', 'frequency', 'frequency_365d', 'frequency_90d',
            'monetary', 'monetary_365d', 'monetary_90d', 'average_order_value',
            'items_per_order', 'mean_interpurchase_days', 'lateness_ratio', 'discount_rate',
            'return_rate', 'web_order_share', 'summer_share', 'christmas_share', 'weekend_share'
        ] %}
        cast(purchases.{{ feature }} as double) as {{ feature }},
        {%- endfor %}
        {%- for feature in ['margin', 'margin_rate'] %}
        cast({{ if_source_on('shop.products', 'purchases.' ~ feature) }} as double)
            as {{ feature }},
        {%- endfor %}
        {%- for feature in [
            'category_entropy', 'taste_1', 'taste_2', 'taste_3', 'taste_4', 'taste_5', 'taste_6',
            'taste_7', 'taste_8'
        ] %}
        cast({{ if_source_on('shop.products', 'taste.' ~ feature) }} as double) as {{ feature }},
        {%- endfor %}
        {%- for feature in ['sessions_90d', 'pages_90d', 'engaged_minutes_90d'] %}
        cast({{ if_source_on('web.events', 'coalesce(web_use.' ~ feature ~ ', 0)') }} as double)
            as {{ feature }},
        {%- endfor %}
        {%- for feature in ['days_since_visit', 'cart_abandonment_rate', 'mobile_session_share'] %}
        cast({{ if_source_on('web.events', 'web_use.' ~ feature) }} as double) as {{ feature }},
        {%- endfor %}
        cast(
            {{ if_source_on('email.events', 'coalesce(email_response.emails_delivered_365d, 0)') }}
            as double
        ) as emails_delivered_365d,
        {%- for feature in ['email_open_rate', 'email_click_rate', 'email_reactivity_rate'] %}
        cast({{ if_source_on('email.events', 'email_response.' ~ feature) }} as double)
            as {{ feature }},
        {%- endfor %}
        cast(
            {{ if_source_on('crm.support_tickets', 'coalesce(care.tickets_365d, 0)') }} as double
        ) as tickets_365d,
        cast(care.support_satisfaction as double) as support_satisfaction,
        cast(care.survey_value as double) as survey_value,
        cast(care.survey_motivation as double) as survey_motivation,
        cast(care.survey_lifestyle as double) as survey_lifestyle,
        {%- for number in range(1, 11) %}
        cast(care.survey_statement_{{ number }} as double) as survey_statement_{{ number }},
        {%- endfor %}
        cast(engagement.engagement_score as double) as engagement_score,
        cast({{ days_between('engagement.last_interaction_on', 'purchases.cutoff_on') }} as double)
            as days_since_contact,
        {{ age_in_years('customers.birth_on', 'purchases.cutoff_on') }} as age_years,
        cast(areas.median_income as double) as median_income,
        cast(areas.population_density as double) as population_density,
        greatest(
            purchases.last_event_at,
            coalesce(web_use.last_event_at, purchases.last_event_at),
            coalesce(email_response.last_event_at, purchases.last_event_at),
            coalesce(care.last_event_at, purchases.last_event_at),
            coalesce(engagement.last_event_at, purchases.last_event_at)
        ) as last_event_at
    from purchases
    left join taste
        on
            purchases.customer_key = taste.customer_key
            and purchases.cutoff_name = taste.cutoff_name
    left join web_use
        on
            purchases.customer_key = web_use.customer_key
            and purchases.cutoff_name = web_use.cutoff_name
    left join email_response
        on
            purchases.customer_key = email_response.customer_key
            and purchases.cutoff_name = email_response.cutoff_name
    left join care
        on
            purchases.customer_key = care.customer_key
            and purchases.cutoff_name = care.cutoff_name
    left join engagement
        on
            purchases.customer_key = engagement.customer_key
            and purchases.cutoff_name = engagement.cutoff_name
    left join customers on purchases.customer_key = customers.customer_key
    left join permissions on purchases.customer_key = permissions.customer_key
    left join areas
        on
            customers.country_code = areas.country_code
            and {{ postcode_prefix('customers.postcode') }} = areas.postcode_prefix

)

select * from final
