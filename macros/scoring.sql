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

    Arguments:
        value (string): the number; null gives null.
        language (string): `en` (1,234.5) or `fr` (1 234,5).
-#}
{% macro readable_number(value, language='en') -%}
    {%- set size = 'least(abs(' ~ value ~ '), 999999999999)' -%}
    {%- set digits = 'cast(cast(round(' ~ size ~ ') as bigint) as string)' -%}
    {%- set thousand = "','" if language == 'en' else "' '" -%}
    {%- set decimals = replace_regex(
        'cast(cast(round(' ~ size ~ ', case when abs(' ~ value
        ~ ') < 1 then 3 when abs(' ~ value ~ ') < 10 then 2 else 1 end) as decimal(18, 3)) as string)',
        '[.]?0+$', ''
    ) -%}
    case when {{ value }} <= -0.0005 then '-' else '' end
    || case
        when abs({{ value }}) < 100
            then {{ decimals if language == 'en' else 'replace(' ~ decimals ~ ", '.', ',')" }}
        else
            {% for from_right in [9, 6, 3] -%}
            case
                when length({{ digits }}) > {{ from_right }}
                    then substr(
                        {{ digits }},
                        greatest(length({{ digits }}) - {{ from_right + 2 }}, 1),
                        length({{ digits }}) - {{ from_right }}
                        - greatest(length({{ digits }}) - {{ from_right + 2 }}, 1) + 1
                    ) || {{ thousand }}
                else ''
            end ||
            {% endfor -%}
            substr({{ digits }}, greatest(length({{ digits }}) - 2, 1))
    end
{%- endmacro %}


{#-
    The value of a feature in words, or that it is unknown.

    Arguments:
        value, level (string): a number, or a level of a category; both null where it is unknown.
        unit (string): column with percent, money or null.
        band_width (string): column with the width of the band that stands for the value, or null.
        language (string): `en` or `fr`.
-#}
{% macro readable_value(value, level, unit, band_width, language='en') -%}
    case
        when {{ level }} is not null then {{ level }}
        when {{ value }} is null then {{ "'unknown'" if language == 'en' else "'inconnu'" }}
        when {{ band_width }} is not null
            then {{ replace_regex(
                'cast(cast(floor(' ~ value ~ ' / ' ~ band_width ~ ') * ' ~ band_width
                ~ ' as decimal(18, 3)) as string)', '[.]?0+$', ''
            ) }} || {{ "' to '" if language == 'en' else "' à '" }} || {{ replace_regex(
                'cast(cast((floor(' ~ value ~ ' / ' ~ band_width ~ ') + 1) * ' ~ band_width
                ~ ' as decimal(18, 3)) as string)', '[.]?0+$', ''
            ) }}
        else {{ readable_number(
                '(case when ' ~ unit ~ " = 'percent' then 100 else 1 end * " ~ value ~ ')', language
            ) }}
            || case {{ unit }}
                when 'percent' then ' %' when 'money' then ' {{ var('base_currency') }}' else ''
            end
    end
{%- endmacro %}


{#-
    A driver of a score in words, as in "Days since the last purchase 12: raises"; null for none.

    Arguments:
        driver (string): prefix of the columns _value, _level_en, _level_fr and _effect.
        feature (string): alias of the driver's row of int_features_labelled.
        language (string): `en` or `fr`.
-#}
{% macro driver_in_words(driver, feature, language='en') -%}
    {%- set verbs = ['raises', 'lowers'] if language == 'en' else ['augmente', 'diminue'] -%}
    {{ feature }}.label_{{ language }} || ' ' || {{ readable_value(
        driver ~ '_value',
        driver ~ '_level_' ~ language,
        feature ~ '.unit', feature ~ '.band_width', language
    ) }} || '{{ ': ' if language == 'en' else ' : ' }}'
    || case when {{ driver }}_effect > 0 then '{{ verbs[0] }}' else '{{ verbs[1] }}' end
{%- endmacro %}
