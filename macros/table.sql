{#-
    Materialization `table` of this project, in SQL and Python: as that of dbt-duckdb, without foreign keys,
    indexes, grants and DuckLake, which nothing here has. It cannot be handed on to that one, for dbt
    lets a Python model be submitted by no macro but the materialization itself.

    Where nothing has changed the table is left (macros/unchanged.sql). A table with a customer_key and, in its
    config, `meta: rows_of`, a model before it with as many rows, is made a sixteenth of the customers after
    the other where these are more than `rows_at_once`. The joins of one part then fit into memory where
    those of all would not: a statement that joins many tables holds all their hash tables at once.
    The engine takes the condition on the key down into each table. Small tables are made in one
    statement, for many small inserts cost twice as much.
-#}
{% materialization table, adapter='duckdb', supported_languages=['sql', 'python'] -%}
    {%- if is_left() -%}
        {{ return(left_relations()) }}
    {%- endif -%}
    {%- set next_relation = relation_aside() -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- set parts = parts_of_table() -%}
    {%- call statement('main', language=model['language']) -%}
        {{- create_table_as(False, next_relation, part_of(compiled_code, parts[0]), model['language']) -}}
    {%- endcall -%}
    {%- for part in parts[1:] -%}
        {%- call statement('more') -%}
            insert into {{ next_relation }} {{ part_of(compiled_code, part) }}
        {%- endcall -%}
    {%- endfor -%}
    {%- do put_in_place(next_relation) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do persist_docs(this.incorporate(type='table'), model) -%}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [this.incorporate(type='table')]}) }}
{%- endmaterialization %}


{#- Conditions that divide the rows of this model; a single none where it is made in one statement. -#}
{% macro parts_of_table() -%}
    {%- set rows_of = (config.get('meta') or {}).get('rows_of') -%}
    {%- if rows_of and one_value('select count(*) from ' ~ ref(rows_of)) > var('rows_at_once') -%}
        {{ return(key_ranges()) }}
    {%- endif -%}
    {{ return([none]) }}
{%- endmacro %}


{% macro part_of(code, part) -%}
    {{ return(code if part is none else 'select * from (' ~ code ~ '\n) as of_all where ' ~ part) }}
{%- endmacro %}


{#- The name under which a table is made; what a run that was broken off left there goes. -#}
{% macro relation_aside() -%}
    {%- set next_relation = make_intermediate_relation(this.incorporate(type='table')) -%}
    {%- do drop_relation_if_exists(load_cached_relation(next_relation)) -%}
    {{ return(next_relation) }}
{%- endmacro %}


{#- The new table takes the place of the old one, in the transaction of the model. -#}
{% macro put_in_place(next_relation) -%}
    {#- A Python model has begun none. -#}
    {%- do adapter.ensure_transaction() -%}
    {%- do drop_relation_if_exists(load_cached_relation(this)) -%}
    {%- do adapter.rename_relation(next_relation, this.incorporate(type='table')) -%}
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
