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
