{#-
    Incremental strategy `rewrite`: the table holds what the query gives and nothing else. For a
    model that reads its own past and must be able to forget some of it. A `--full-refresh` has
    nothing to add; set `full_refresh: false`, or the past is lost.
-#}
{% macro get_incremental_rewrite_sql(arg_dict) -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arg_dict['target_relation'] }};
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }}
{%- endmacro %}


{#-
    Replaces what a remembering table holds, in one step: a query that reads the table itself. For
    what a person changes by hand, outside a build.

    Arguments:
        relation (Relation): the table.
        query (string): its new content, all columns in order.
-#}
{% macro rewrite_memory(relation, query) -%}
    {{ return(adapter.dispatch('rewrite_memory')(relation, query)) }}
{%- endmacro %}

{% macro default__rewrite_memory(relation, query) -%}
    {%- do run_query('create or replace table ' ~ relation ~ ' as ' ~ query) -%}
    {#- What `dbt run-operation` leaves open is undone when it ends. -#}
    {%- do run_query('commit') -%}
{%- endmacro %}

{% macro spark__rewrite_memory(relation, query) -%}
    {#- Spark cannot overwrite a table that the same statement reads. -#}
    {%- set aside = relation ~ '__rewritten' -%}
    {%- do run_query('create table ' ~ aside ~ ' using parquet as ' ~ query) -%}
    {%- do run_query('insert overwrite table ' ~ relation ~ ' select * from ' ~ aside) -%}
    {%- do run_query('drop table ' ~ aside) -%}
    {#- What a run left aside is older than this, and is not to be restored over it. -#}
    {%- do run_query('drop table if exists ' ~ relation ~ '__all') -%}
{%- endmacro %}
