{#-
    dbt-duckdb describes a relation by its name; a source that is read from files has none, so its
    rows are described instead. Without this elementary finds no column on a source.
-#}
{% macro duckdb__get_columns_in_relation(relation) -%}
    {%- if not relation.external -%}
        {{ return(dbt.duckdb__get_columns_in_relation(relation)) }}
    {%- endif -%}
    {%- set described = run_query('describe from ' ~ relation) -%}
    {%- set columns = [] -%}
    {%- for row in described.rows -%}
        {%- do columns.append(api.Column(row['column_name'], row['column_type'])) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}
