{#- None of these columns is ever null; the message is each one that is, and in how many rows. All of a
    table in one query: a test of its own for each would cost dbt far more than the engine. -#}
{% test never_null(model, columns) %}

with counted as (
    select
    {%- for column in columns %}
        count(*) - count({{ column }}) as nulls_{{ loop.index }}{{ ',' if not loop.last }}
    {%- endfor %}
    from {{ model }}
)

{% for column in columns -%}
select '{{ column }}' as column_name, nulls_{{ loop.index }} as rows_without_value
from counted
where nulls_{{ loop.index }} > 0
{% if not loop.last %}union all{% endif %}
{% endfor %}

{% endtest %}
