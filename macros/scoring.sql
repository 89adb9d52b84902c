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
