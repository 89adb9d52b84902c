{#-
    Drops the tables that dbt-duckdb leaves in the target schema after an incremental Python model:
    it makes them under a name of their own each time, and drops only those of SQL models.
-#}
{% macro drop_temporary_tables() -%}
    {{ return(adapter.dispatch('drop_temporary_tables')()) }}
{%- endmacro %}

{% macro default__drop_temporary_tables() -%}
{%- endmacro %}

{% macro duckdb__drop_temporary_tables() -%}
    {%- if execute -%}
        {%- set query -%}
            select table_name from information_schema.tables
            where
                table_catalog = '{{ target.database }}' and table_schema = '{{ target.schema }}'
                and table_name like '%\_\_dbt\_tmp%' escape '\'
        {%- endset -%}
        {%- for name in run_query(query).columns[0].values() -%}
            {%- do adapter.drop_relation(api.Relation.create(
                database=target.database, schema=target.schema, identifier=name, type='table'
            )) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
