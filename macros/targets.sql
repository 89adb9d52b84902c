{#-
    Who can be asked about at a cutoff: a name for the column `eligibility` of the seed
    propensity_targets, a condition on the columns of int_customer_features (at that cutoff, so that
    nobody is chosen by what came later), and the source tables without which it says nothing.

    A condition of your own needs no change here: `vars: target_conditions` of the project or of a
    dataset.yml takes `name: condition`, or `name: {condition: …, sources: [email.events]}`.
-#}
{% macro target_conditions() -%}
    {%- set known = {
        'any_buyer': {'condition': 'frequency > 0', 'sources': []},
        'bought_once': {'condition': 'frequency = 1', 'sources': []},
        'bought_again': {'condition': 'frequency > 1', 'sources': []},
        'in_rhythm': {
            'condition': 'mean_interpurchase_days <= ' ~ var('horizon_days')
                ~ ' and recency_days <= ' ~ var('horizon_days'),
            'sources': [],
        },
        'overdue': {'condition': 'lateness_ratio > 1', 'sources': []},
        'mailable': {'condition': 'emails_delivered_365d > 0', 'sources': ['email.events']},
        'web_visitor': {'condition': 'sessions_365d > 0', 'sources': ['web.events']},
    } -%}
    {%- for name, own in (var('target_conditions', {}) or {}).items() -%}
        {%- if own is string -%}
            {%- set own = {'condition': own, 'sources': []} -%}
        {%- endif -%}
        {%- do known.update(
            {name: {'condition': own.condition, 'sources': own.get('sources', [])}}
        ) -%}
    {%- endfor -%}
    {{ return(known) }}
{%- endmacro %}


{#-
    What a target can be about: the events of int_outcome_events, and the source tables each needs.
-#}
{% macro target_events() -%}
    {{ return({
        'purchase': ['shop.orders'],
        'order_revenue': ['shop.orders'],
        'category_purchase': ['shop.products'],
        'product_return': ['shop.orders'],
        'web_session': ['web.events'],
        'email_open': ['email.events'],
        'email_click': ['email.events'],
        'support_ticket': ['crm.support_tickets'],
    }) }}
{%- endmacro %}


{#- Of these names, those whose source tables are all on, quoted for an `in (…)`. -#}
{% macro names_fed(needs) -%}
    {%- set fed = [] -%}
    {%- for name, tables in needs.items() -%}
        {%- if tables | reject('in', tables_switched_on(tables)) | list | length == 0 -%}
            {%- do fed.append("'" ~ name ~ "'") -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return((fed or ["''"]) | join(', ')) }}
{%- endmacro %}


{#- Of these source tables, those that are switched on. -#}
{% macro tables_switched_on(tables) -%}
    {%- set on = [] -%}
    {%- for table in tables if source_is_on(table) -%}
        {%- do on.append(table) -%}
    {%- endfor -%}
    {{ return(on) }}
{%- endmacro %}


{#- The source tables of each condition. -#}
{% macro condition_sources() -%}
    {%- set needs = {} -%}
    {%- for name, entry in target_conditions().items() -%}
        {%- do needs.update({name: entry.sources}) -%}
    {%- endfor -%}
    {{ return(needs) }}
{%- endmacro %}
