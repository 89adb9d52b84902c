{#-
    The features of int_customer_features by the model that measures them: for each group the source
    table without which they are null, whether nothing on record is a zero, and their names.
-#}
{% macro measured_features() -%}
    {{ return({
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
            'christmas_gifts_share',
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
            ('email.events', true, ['emails_delivered_365d', 'emails_delivered_90d']),
            ('email.events', false, [
                'email_open_rate', 'email_click_rate', 'email_reactivity_rate',
                'email_open_rate_90d', 'email_click_rate_90d', 'email_reactivity_rate_90d',
                'email_unsubscribe_rate', 'emails_since_open', 'emails_since_click',
            ]),
        ],
        'attention': [
            ('web.events', false, ['visit_change']),
            ('email.events', false, ['email_open_change']),
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
    }) }}
{%- endmacro %}


{#- The features that are text: their values are levels. -#}
{% macro category_features() -%}
    {{ return([
        'last_channel', 'favourite_category', 'newest_category', 'first_source', 'last_source',
        'main_device', 'acquisition_channel',
    ]) }}
{%- endmacro %}
