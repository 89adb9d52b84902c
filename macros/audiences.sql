{#-
    Whether a customer meets every condition of a rule of an audience; an empty condition is met by
    all.

    Arguments:
        rule (string): alias of a row of the seed audience_rules.
        customer (string): alias of a row with the columns that the conditions name.
-#}
{% macro meets_rule(rule, customer) -%}
    (
        {%- for column in [
            'rfm_segment', 'segment', 'lifecycle', 'purchase_band', 'churn_band', 'country'
        ] %}
        (
            {{ seed_text(rule ~ '.' ~ column) }} is null
            or {{ rule }}.{{ column }} = {{ customer }}.{{ column }}
        )
        and
        {%- endfor %}
        (
            {{ rule }}.minimum_monetary is null
            or {{ rule }}.minimum_monetary <= {{ customer }}.monetary
        )
    )
{%- endmacro %}


{#- Whether a rule chooses by a profile: by any condition but the country. -#}
{% macro is_profiling_rule(rule) -%}
    (
        coalesce(
            {%- for column in [
                'rfm_segment', 'segment', 'lifecycle', 'purchase_band', 'churn_band'
            ] %}
            {{ seed_text(rule ~ '.' ~ column) }}{{ "," if not loop.last }}
            {%- endfor %}
        ) is not null
        or {{ rule }}.minimum_monetary is not null
    )
{%- endmacro %}


{#- Whether a customer has agreed to the purpose of an audience; an unknown purpose is agreed by none. -#}
{% macro has_agreed(purpose, customer) -%}
    (
        case {{ purpose }}
            when 'email_marketing' then {{ customer }}.has_email_consent
            when 'ad_targeting' then {{ customer }}.has_ad_consent
            else false
        end
    )
{%- endmacro %}
