{#- The conditions of a rule that a column of the customer must equal, text first. -#}
{% macro rule_texts() -%}
    {{ return([
        'rfm_segment', 'segment', 'sub_segment', 'micro_segment', 'behaviour_segment',
        'engagement_segment', 'value_segment', 'taste_segment', 'psychographics_segment',
        'lifecycle', 'purchase_band', 'churn_band'
    ]) }}
{%- endmacro %}


{#-
    Whether a customer meets every condition of a rule of an audience but those on purchases; an
    empty condition is met by all.

    Arguments:
        rule (string): alias of a row of the seed audience_rules.
        customer (string): alias of a row with the columns that the conditions name.
-#}
{% macro meets_rule(rule, customer) -%}
    (
        {%- for column in rule_texts() + ['country'] %}
        (
            {{ seed_text(rule ~ '.' ~ column) }} is null
            or {{ rule }}.{{ column }} = {{ customer }}.{{ column }}
        )
        and
        {%- endfor %}
        (
            {{ rule }}.segment_id is null
            or {{ rule }}.segment_id = {{ customer }}.segment_id
        )
        and
        (
            {{ rule }}.minimum_monetary is null
            or {{ rule }}.minimum_monetary <= {{ customer }}.monetary
        )
    )
{%- endmacro %}


{#- Whether a rule asks for a purchase: of a category, in a month, or between two days. -#}
{% macro asks_for_purchase(rule) -%}
    (
        {{ seed_text(rule ~ '.bought_category') }} is not null
        or {{ rule }}.bought_month is not null
        or {{ rule }}.bought_from is not null
        or {{ rule }}.bought_to is not null
    )
{%- endmacro %}


{#-
    Whether what was bought on a day is what a rule asks for. A month is the last one of that number
    that began before the as-of date; both ends of a period belong to it.

    Arguments:
        rule (string): alias of a row of the seed audience_rules.
        bought (string): alias of a row with category and purchased_on.
        as_of (string): the as-of date.
-#}
{% macro is_asked_for(rule, bought, as_of) -%}
    (
        (
            {{ seed_text(rule ~ '.bought_category') }} is null
            or {{ rule }}.bought_category = {{ bought }}.category
        )
        and (
            {{ rule }}.bought_from is null
            or {{ rule }}.bought_from <= {{ bought }}.purchased_on
        )
        and (
            {{ rule }}.bought_to is null
            or {{ rule }}.bought_to >= {{ bought }}.purchased_on
        )
        and (
            {{ rule }}.bought_month is null
            or (
                {{ rule }}.bought_month = extract(month from {{ bought }}.purchased_on)
                and extract(year from {{ bought }}.purchased_on) = case
                    when
                        {{ rule }}.bought_month < extract(month from {{ as_of }})
                        or (
                            {{ rule }}.bought_month = extract(month from {{ as_of }})
                            and extract(day from {{ as_of }}) > 1
                        )
                        then extract(year from {{ as_of }})
                    else extract(year from {{ as_of }}) - 1
                end
            )
        )
    )
{%- endmacro %}


{#- Whether a rule chooses by a profile: by any condition but the country. -#}
{% macro is_profiling_rule(rule) -%}
    (
        coalesce(
            {%- for column in rule_texts() %}
            {{ seed_text(rule ~ '.' ~ column) }}{{ "," if not loop.last }}
            {%- endfor %}
        ) is not null
        or {{ rule }}.segment_id is not null
        or {{ rule }}.minimum_monetary is not null
        or {{ asks_for_purchase(rule) }}
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
