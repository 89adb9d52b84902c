{#- Text without padding; empty text is null. -#}
{% macro clean_text(text) -%}
    nullif(trim(cast({{ text }} as string)), '')
{%- endmacro %}


{#- An e-mail address in lower case where it has the form of one, else null. -#}
{% macro clean_email(text) -%}
    case
        when {{ matches_regex("lower(trim(cast(" ~ text ~ " as string)))",
            "^[a-z0-9._%+-]+@[a-z0-9-]+([.][a-z0-9-]+)*[.][a-z]{2,}$") }}
            then lower(trim(cast({{ text }} as string)))
    end
{%- endmacro %}


{#-
    A phone number as + and digits. A national number (leading zero, ten digits) is taken as French;
    fewer than eight digits are no number.
-#}
{% macro clean_phone(text) -%}
    {%- set digits = replace_regex("cast(" ~ text ~ " as string)", "[^0-9+]", "") -%}
    case
        when {{ matches_regex(digits, "^[+][0-9]{8,15}$") }} then {{ digits }}
        when {{ matches_regex(digits, "^00[0-9]{8,15}$") }} then '+' || substr({{ digits }}, 3)
        when {{ matches_regex(digits, "^0[1-9][0-9]{8}$") }} then '+33' || substr({{ digits }}, 2)
    end
{%- endmacro %}


{#- The part of a postcode that area statistics are kept by. -#}
{% macro postcode_prefix(postcode) -%}
    substr({{ postcode }}, 1, 2)
{%- endmacro %}
