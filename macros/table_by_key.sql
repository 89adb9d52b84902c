{#-
    Materialization `table_by_key`: a table with a customer_key; with more rows than `rows_at_once` it
    is made a sixteenth of the customers after the other. The joins of one part then fit into memory where
    those of all would not: a statement that joins many tables holds all their hash tables at once.
    The engine takes the condition on the key down into each table. Small tables are made in one
    statement, for many small inserts cost twice as much.

    Config `meta`: rows_of, a model before this one with as many rows.
-#}
{% materialization table_by_key, adapter='duckdb' -%}
    {%- if is_left() -%}
        {{ return(left_relations()) }}
    {%- endif -%}
    {%- set next_relation = relation_aside() -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- set expected = one_value('select count(*) from ' ~ ref(config.get('meta')['rows_of'])) -%}
    {%- set parts = key_ranges() if expected > var('rows_at_once') else [none] -%}
    {%- for part in parts -%}
        {%- set rows = sql if part is none else "select * from (" ~ sql ~ "\n) as of_all where " ~ part -%}
        {%- call statement('main' if loop.first else 'more') -%}
            {%- if loop.first -%}
                create table {{ next_relation }} as {{ rows }}
            {%- else -%}
                insert into {{ next_relation }} {{ rows }}
            {%- endif -%}
        {%- endcall -%}
    {%- endfor -%}

    {%- do put_in_place(next_relation) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do persist_docs(this.incorporate(type='table'), model) -%}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [this.incorporate(type='table')]}) }}
{%- endmaterialization %}


{#- How to materialise a wide table of features; Spark spills its joins by itself. -#}
{% macro by_key() -%}
    {{ return(adapter.dispatch('by_key')()) }}
{%- endmacro %}

{% macro default__by_key() -%}
    {{ return('table_by_key') }}
{%- endmacro %}

{% macro spark__by_key() -%}
    {{ return('table') }}
{%- endmacro %}


{#- Conditions that divide all customers in sixteen: a key begins with a hexadecimal digit. -#}
{% macro key_ranges() -%}
    {%- set digits = '0123456789abcdef' -%}
    {%- set ranges = ["customer_key < '1'"] -%}
    {%- for digit in digits[1:15] -%}
        {%- do ranges.append(
            "customer_key >= '" ~ digit ~ "' and customer_key < '" ~ digits[loop.index + 1] ~ "'"
        ) -%}
    {%- endfor -%}
    {%- do ranges.append("customer_key >= 'f'") -%}
    {{ return(ranges) }}
{%- endmacro %}
