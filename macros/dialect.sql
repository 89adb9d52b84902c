{#-
    Every difference between the engines, and nowhere else. Each macro is one expression, with a
    DuckDB and a Spark version.
-#}


{#- A timestamp from text in one of the seven formats seen in the sources, else null. -#}
{% macro parse_timestamp(text) -%}
    {{ return(adapter.dispatch('parse_timestamp')(text)) }}
{%- endmacro %}

{% macro default__parse_timestamp(text) -%}
    coalesce(
        try_strptime(
            trim(cast({{ text }} as string)),
            [
                '%Y-%m-%d', '%Y-%m-%d %H:%M:%S', '%Y-%m-%dT%H:%M:%SZ', '%d/%m/%Y', '%d.%m.%Y',
                '%d-%m-%Y', '%Y%m%d'
            ]
        ),
        try_cast(trim(cast({{ text }} as string)) as timestamp)
    )
{%- endmacro %}

{% macro spark__parse_timestamp(text) -%}
    coalesce(
        {%- for format in [
            "yyyy-MM-dd", "yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd''T''HH:mm:ss''Z''", "dd/MM/yyyy",
            "dd.MM.yyyy", "dd-MM-yyyy", "yyyyMMdd"
        ] %}
        try_to_timestamp(trim(cast({{ text }} as string)), '{{ format }}'),
        {%- endfor %}
        try_cast(trim(cast({{ text }} as string)) as timestamp)
    )
{%- endmacro %}


{#- Whether a text matches a regular expression anywhere. Write `[0-9]`, never `\d`. -#}
{% macro matches_regex(text, pattern) -%}
    {{ return(adapter.dispatch('matches_regex')(text, pattern)) }}
{%- endmacro %}

{% macro default__matches_regex(text, pattern) -%}
    regexp_matches({{ text }}, '{{ pattern }}')
{%- endmacro %}

{% macro spark__matches_regex(text, pattern) -%}
    regexp_like({{ text }}, '{{ pattern }}')
{%- endmacro %}


{#- A text with every match of a regular expression replaced. -#}
{% macro replace_regex(text, pattern, replacement) -%}
    {{ return(adapter.dispatch('replace_regex')(text, pattern, replacement)) }}
{%- endmacro %}

{% macro default__replace_regex(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}

{% macro spark__replace_regex(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}')
{%- endmacro %}


{#- Text in lower case without accents. -#}
{% macro fold_text(text) -%}
    {{ return(adapter.dispatch('fold_text')(text)) }}
{%- endmacro %}

{% macro default__fold_text(text) -%}
    strip_accents(lower(trim({{ text }})))
{%- endmacro %}

{% macro spark__fold_text(text) -%}
    translate(
        lower(trim({{ text }})), 'àâäáãåçéèêëíìîïñóòôöõúùûüýÿ', 'aaaaaaceeeeiiiinooooouuuuyy'
    )
{%- endmacro %}


{#- ISO day of the week: 1 is Monday, 7 is Sunday. -#}
{% macro iso_day_of_week(day) -%}
    {{ return(adapter.dispatch('iso_day_of_week')(day)) }}
{%- endmacro %}

{% macro default__iso_day_of_week(day) -%}
    isodow({{ day }})
{%- endmacro %}

{% macro spark__iso_day_of_week(day) -%}
    weekday({{ day }}) + 1
{%- endmacro %}


{#- Whole days from one date to another. -#}
{% macro days_between(first, second) -%}
    {{ return(adapter.dispatch('days_between')(first, second)) }}
{%- endmacro %}

{% macro default__days_between(first, second) -%}
    date_diff('day', {{ first }}, {{ second }})
{%- endmacro %}

{% macro spark__days_between(first, second) -%}
    datediff({{ second }}, {{ first }})
{%- endmacro %}
