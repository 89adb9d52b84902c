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
    Drops a memory of models that lacks the date of its runs: nothing in it can be continued, and a
    model that remembers is not built over by itself.

    Arguments:
        name (string): table of the schema ml.
        column (string): column without which it is of no use.
-#}
{% macro drop_unusable_memory(name, column) -%}
    {%- if execute -%}
        {%- set memory = adapter.get_relation(target.database, 'ml', name) -%}
        {%- if memory is not none -%}
            {%- set columns = adapter.get_columns_in_relation(memory) -%}
            {%- if column not in columns | map(attribute='name') | list -%}
                {%- do adapter.drop_relation(memory) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
