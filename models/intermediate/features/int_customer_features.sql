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
        cast(null as double) as frequency_30d,
        cast(null as double) as frequency_180d,
        cast(null as double) as monetary_30d,
        cast(null as double) as monetary_180d,
        cast(null as double) as frequency_change_90d,
        cast(null as double) as monetary_change_90d,
        cast(null as double) as frequency_slope,
        cast(null as double) as monetary_slope,
        cast(null as double) as gap_spread_days,
        cast(null as double) as gap_variation,
        cast(null as double) as last_gap_days,
        cast(null as double) as days_to_expected_purchase,
        cast(null as double) as rhythm_deviation,
        cast(null as double) as season_frequency_last_year,
        cast(null as double) as season_monetary_last_year,
        cast(null as double) as season_share,
        cast(null as double) as quarter_1_share,
        cast(null as double) as quarter_2_share,
        cast(null as double) as quarter_3_share,
        cast(null as double) as quarter_4_share,
        cast(null as double) as winter_sales_share,
        cast(null as double) as summer_sales_share,
        cast(null as double) as back_to_school_share,
        cast(null as double) as christmas_gifts_share,
        cast(null as double) as period_fit,
        cast(null as double) as period_days_ahead,
        cast(null as double) as largest_order_value,
        cast(null as double) as last_order_value,
        cast(null as double) as order_value_spread,
        cast(null as double) as order_value_growth,
        cast(null as double) as last_order_items,
        cast(null as double) as discounted_share,
        cast(null as double) as discount_rate_365d,
        cast(null as double) as return_rate_365d,
        cast(null as double) as days_since_return,
        cast(null as double) as categories_bought,
        cast(null as double) as days_since_new_category,
        cast(null as string) as favourite_category,
        cast(null as string) as newest_category,
        cast(null as string) as last_channel,
        cast(null as double) as sessions_30d,
        cast(null as double) as sessions_365d,
        cast(null as double) as sessions_change_90d,
        cast(null as double) as product_views_90d,
        cast(null as double) as searches_90d,
        cast(null as double) as carts_left_90d,
        cast(null as double) as days_since_cart_left,
        cast(null as double) as engaged_session_share,
        cast(null as string) as first_source,
        cast(null as string) as last_source,
        cast(null as string) as main_device,
        cast(null as double) as emails_delivered_30d,
        cast(null as double) as emails_delivered_90d,
        cast(null as double) as email_open_rate_30d,
        cast(null as double) as email_open_rate_90d,
        cast(null as double) as email_click_rate_30d,
        cast(null as double) as email_click_rate_90d,
        cast(null as double) as email_reactivity_rate_90d,
        cast(null as double) as days_since_open,
        cast(null as double) as days_since_click,
        cast(null as double) as email_unsubscribe_rate,
        cast(null as double) as tickets_90d,
        cast(null as double) as open_tickets,
        cast(null as double) as days_since_ticket,
        cast(null as double) as days_since_survey,
        cast(null as double) as mentions_365d,
        cast(null as double) as mention_sentiment,
        cast(null as double) as days_since_registration,
        cast(null as string) as acquisition_channel,
        cast(null as double) as unemployment_rate,
        cast(null as double) as distance_to_centre_km,
        cast(null as double) as p_alive,
        cast(null as double) as expected_purchases,
        cast(null as double) as expected_order_value,
        cast(null as double) as clv,
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
