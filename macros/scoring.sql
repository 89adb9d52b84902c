{#-
    The middle of a value's ranks as a share of all rows, between 0 and 1. Equal values get equal
    positions: rank first, cut afterwards.

    Arguments:
        column (string): the value to rank; must not be null.
        direction (string): `asc` when more is better, `desc` when less is better.
        partition (string): optional columns within which to rank.
-#}
{% macro mid_rank(column, direction, partition=none) -%}
    {%- set within = 'partition by ' ~ partition ~ ' ' if partition else '' -%}
    {%- set same = partition ~ ', ' if partition else '' -%}
    (
        rank() over ({{ within }}order by {{ column }} {{ direction }}) - 1
        + count(*) over (partition by {{ same }}{{ column }}) / cast(2 as double)
    ) / count(*) over ({{ within }})
{%- endmacro %}


{#- The fifth (1 lowest, 5 highest) that a position between 0 and 1 lies in. -#}
{% macro fifth(position) -%}
    cast(least(floor(5 * {{ position }}) + 1, 5) as integer)
{%- endmacro %}


{#- The tenth (1 highest, 10 lowest) that a position between 0 and 1 lies in. -#}
{% macro tenth_from_top(position) -%}
    cast(10 - least(floor(10 * {{ position }}), 9) as integer)
{%- endmacro %}


{#-
    A number as people read it: few decimals where it is small, whole from 100 on, thousands apart.
    In English (1,234.5); `in_french` writes the same number as 1 234,5.

    Arguments:
        value (string): the column with the number; null gives null.
-#}
{% macro readable_number(value) -%}
    {%- set size = 'least(abs(' ~ value ~ '), 999999999999)' -%}
    {%- set digits = 'cast(cast(round(' ~ size ~ ') as bigint) as string)' -%}
    case when {{ value }} <= -0.0005 then '-' when {{ value }} is not null then '' end
    || case
        when abs({{ value }}) < 100
            then {{ plain_number(
                'case when abs(' ~ value ~ ') < 1 then round(' ~ size ~ ', 3) when abs(' ~ value
                ~ ') < 10 then round(' ~ size ~ ', 2) else round(' ~ size ~ ', 1) end'
            ) }}
        else
            {% for from_right in [9, 6, 3] -%}
            case
                when length({{ digits }}) > {{ from_right }}
                    then substr(
                        {{ digits }},
                        greatest(length({{ digits }}) - {{ from_right + 2 }}, 1),
                        length({{ digits }}) - {{ from_right }}
                        - greatest(length({{ digits }}) - {{ from_right + 2 }}, 1) + 1
                    ) || ','
                else ''
            end ||
            {% endfor -%}
            substr({{ digits }}, greatest(length({{ digits }}) - 2, 1))
    end
{%- endmacro %}


{#- A number of at most three decimals as text, without zeros at its end. -#}
{% macro plain_number(value) -%}
    {{ replace_regex('cast(cast(' ~ value ~ ' as decimal(18, 3)) as string)', '[.]?0+$', '') }}
{%- endmacro %}


{#- An English number in the French notation. -#}
{% macro in_french(number) -%}
    translate({{ number }}, ',.', ' ,')
{%- endmacro %}
