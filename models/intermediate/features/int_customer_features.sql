-- One row per customer_key and cutoff with a purchase before it: all that a model may learn from.
{#-
    By the model that measures them: the source table without which they are null, whether nothing
    on record is a zero, and the features.
-#}
{%- set measured = {
    'purchases': [
        (none, false, [
            'recency_days', 'tenure_days', 'frequency', 'frequency_365d', 'frequency_90d',
            'monetary', 'monetary_365d', 'monetary_90d', 'average_order_value',
            'items_per_order', 'mean_interpurchase_days', 'lateness_ratio', 'discount_rate',
            'return_rate', 'days_since_return', 'web_order_share', 'summer_share',
            'christmas_share', 'weekend_share',
        ]),
        ('shop.products', false, ['margin', 'margin_rate']),
    ],
    'trends': [(none, false, [
        'frequency_30d', 'frequency_180d', 'monetary_30d', 'monetary_180d',
        'frequency_change_90d', 'monetary_change_90d', 'frequency_slope', 'monetary_slope',
        'discount_rate_365d', 'return_rate_365d',
    ])],
    'rhythm': [(none, false, [
        'gap_spread_days', 'gap_variation', 'last_gap_days', 'days_to_expected_purchase',
        'rhythm_deviation', 'largest_order_value', 'last_order_value', 'order_value_spread',
        'order_value_growth', 'last_order_items', 'discounted_share', 'last_channel',
    ])],
    'seasons': [(none, false, [
        'season_frequency_last_year', 'season_monetary_last_year', 'season_share',
        'quarter_1_share', 'quarter_2_share', 'quarter_3_share', 'quarter_4_share',
        'winter_sales_share', 'summer_sales_share', 'back_to_school_share',
        'christmas_gifts_share', 'period_fit', 'period_days_ahead',
    ])],
    'lifetimes': [(none, false, [
        'p_alive', 'expected_purchases', 'expected_order_value', 'clv',
    ])],
    'taste': [
        ('shop.products', false, [
            'category_entropy', 'taste_1', 'taste_2', 'taste_3', 'taste_4', 'taste_5', 'taste_6',
            'taste_7', 'taste_8', 'days_since_new_category', 'favourite_category',
            'newest_category',
        ]),
        ('shop.products', true, ['categories_bought']),
    ],
    'web_use': [
        ('web.events', true, [
            'sessions_90d', 'pages_90d', 'engaged_minutes_90d', 'sessions_30d', 'sessions_365d',
            'sessions_change_90d', 'product_views_90d', 'searches_90d', 'carts_left_90d',
        ]),
        ('web.events', false, [
            'days_since_visit', 'cart_abandonment_rate', 'mobile_session_share',
            'days_since_cart_left', 'engaged_session_share', 'first_source', 'last_source',
            'main_device',
        ]),
    ],
    'email_response': [
        ('email.events', true, [
            'emails_delivered_365d', 'emails_delivered_30d', 'emails_delivered_90d',
        ]),
        ('email.events', false, [
            'email_open_rate', 'email_click_rate', 'email_reactivity_rate', 'email_open_rate_30d',
            'email_open_rate_90d', 'email_click_rate_30d', 'email_click_rate_90d',
            'email_reactivity_rate_90d', 'email_unsubscribe_rate', 'days_since_open',
            'days_since_click',
        ]),
    ],
    'care': [
        ('crm.support_tickets', true, ['tickets_365d', 'tickets_90d', 'open_tickets']),
        (none, false, [
            'support_satisfaction', 'days_since_ticket', 'days_since_survey', 'survey_value',
            'survey_motivation', 'survey_lifestyle', 'survey_statement_1', 'survey_statement_2',
            'survey_statement_3', 'survey_statement_4', 'survey_statement_5',
            'survey_statement_6', 'survey_statement_7', 'survey_statement_8',
            'survey_statement_9', 'survey_statement_10',
        ]),
    ],
    'mentions': [
        ('social.mentions', true, ['mentions_365d']),
        ('social.mentions', false, ['mention_sentiment']),
    ],
    'registrations': [(none, false, ['days_since_registration', 'acquisition_channel'])],
    'engagement': [(none, false, ['engagement_score'])],
} %}
{%- set texts = [
    'last_channel', 'favourite_category', 'newest_category', 'first_source', 'last_source',
    'main_device', 'acquisition_channel',
] %}
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
        {%- set type = 'string' if feature in texts else 'double' %}
        {%- set value = relation ~ '.' ~ feature %}
        {%- set value = 'coalesce(' ~ value ~ ', 0)' if is_zero else value %}
        cast({{ if_source_on(table, value, type) if table else value }} as {{ type }})
            as {{ feature }},
        {%- endfor %}
        {%- endfor %}
        {%- endfor %}
        cast({{ days_between('engagement.last_interaction_on', 'purchases.cutoff_on') }} as double)
            as days_since_contact,
        -- What a record of the customer file says today describes, and no score learns from it.
        {{ age_in_years('customers.birth_on', 'purchases.cutoff_on') }} as age_years,
        cast(areas.median_income as double) as median_income,
        cast(areas.population_density as double) as population_density,
        cast(areas.unemployment_rate as double) as unemployment_rate,
        cast(areas.distance_to_centre_km as double) as distance_to_centre_km,
        greatest(
            {%- for relation in measured %}
            {%- if not loop.first %}
            coalesce({{ relation }}.last_event_at, purchases.last_event_at)
            {{- "," if not loop.last }}
            {%- else %}
            purchases.last_event_at,
            {%- endif %}
            {%- endfor %}
        ) as last_event_at
    from purchases
    {%- for relation in measured if relation != 'purchases' %}
    left join {{ relation }}
        on
            purchases.customer_key = {{ relation }}.customer_key
            and purchases.cutoff_name = {{ relation }}.cutoff_name
    {%- endfor %}
    left join customers on purchases.customer_key = customers.customer_key
    left join permissions on purchases.customer_key = permissions.customer_key
    left join areas
        on
            customers.country_code = areas.country_code
            and {{ postcode_prefix('customers.postcode') }} = areas.postcode_prefix

)

select * from final
