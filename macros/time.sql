{#- A date so many days after a date (before, when negative). -#}
{% macro add_days(day, days) -%}
    cast({{ dbt.dateadd('day', days, day) }} as date)
{%- endmacro %}


{#-
    Whether a timestamp lies after the start of this build: no true event can. Sources write the time of
    the shop (`time_zone`).
-#}
{% macro is_in_future(timestamp) -%}
    {%- set now = run_started_at.astimezone(modules.pytz.timezone(var('time_zone'))) -%}
    {{ timestamp }} > cast('{{ now.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp)
{%- endmacro %}


{#- Whether a timestamp lies before anything this retailer can have recorded (a clock gone wrong). -#}
{% macro is_before_records(timestamp) -%}
    {{ timestamp }} < cast('{{ var("earliest_plausible_date") }}' as timestamp)
{%- endmacro %}


{#- Whole years from a birth date to a date: one more on the birthday itself. -#}
{% macro age_in_years(birth_on, day) -%}
    floor(
        (
            extract(year from {{ day }}) * 10000
            + extract(month from {{ day }}) * 100
            + extract(day from {{ day }})
            - extract(year from {{ birth_on }}) * 10000
            - extract(month from {{ birth_on }}) * 100
            - extract(day from {{ birth_on }})
        ) / 10000.0
    )
{%- endmacro %}


{#- A timestamp as read, where it can be true: neither in the future nor before all records. -#}
{% macro plausible_timestamp(value) -%}
    case
        when
            not {{ is_in_future(parse_timestamp(value)) }}
            and not {{ is_before_records(parse_timestamp(value)) }}
            then {{ parse_timestamp(value) }}
    end
{%- endmacro %}


{#-
    Whether nobody born then can have been alive on a day; a birth date after the start of the build
    is another mistake.
-#}
{% macro is_impossible_age(birth_on, day) -%}
    not {{ is_in_future(birth_on) }}
    and (
        {{ birth_on }} > {{ day }}
        or {{ age_in_years(birth_on, day) }} > {{ var('oldest_plausible_age') }}
    )
{%- endmacro %}


{#-
    Whether a period (the end null while it is open) holds at an instant. What begins at the instant
    does not hold yet: the state at a date is that of the moment before it, as for every cutoff.
    The consents of any day:

        select * from int_consents_over_time
        where holds_at('valid_from', 'valid_to', "date '2024-05-01'")
-#}
{% macro holds_at(valid_from, valid_to, instant) -%}
    ({{ valid_from }} < {{ instant }} and ({{ valid_to }} is null or {{ valid_to }} >= {{ instant }}))
{%- endmacro %}
