{#-
    Materialization `table_by_cutoff`: a table; with more than a million rows, one cutoff after the other.
    The joins of one cutoff then fit into memory where those of all together would not: a join of
    many tables holds all their hash tables at once. The engine takes the condition down into each
    table. Small tables are made in one statement, for small inserts cost twice as much.

    Config `meta`: rows_of, a model before this one with as many rows.
-#}
{% materialization table_by_cutoff, adapter='duckdb' -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set next_relation = make_intermediate_relation(target_relation) -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- do drop_relation_if_exists(load_cached_relation(next_relation)) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- set expected = one_value('select count(*) from ' ~ ref(config.get('meta')['rows_of'])) -%}
    {%- set parts = names_of_cutoffs() if expected > 1000000 else [none] -%}
    {%- for name in parts -%}
        {%- set rows = sql if name is none
            else "select * from (" ~ sql ~ "\n) as of_all where cutoff_name = '" ~ name ~ "'" -%}
        {%- call statement('main' if loop.first else 'more') -%}
            {%- if loop.first -%}
                create table {{ next_relation }} as {{ rows }}
            {%- else -%}
                insert into {{ next_relation }} {{ rows }}
            {%- endif -%}
        {%- endcall -%}
    {%- endfor -%}

    {%- do drop_relation_if_exists(existing_relation) -%}
    {%- do adapter.rename_relation(next_relation, target_relation) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do persist_docs(target_relation, model) -%}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}


{#- How to materialise a wide table of features; Spark spills its joins by itself. -#}
{% macro by_cutoff() -%}
    {{ return(adapter.dispatch('by_cutoff')()) }}
{%- endmacro %}

{% macro default__by_cutoff() -%}
    {{ return('table_by_cutoff') }}
{%- endmacro %}

{% macro spark__by_cutoff() -%}
    {{ return('table') }}
{%- endmacro %}


{#- The names of all cutoffs there can be, as int_cutoffs gives them. -#}
{% macro names_of_cutoffs() -%}
    {%- set names = ['score', 'test'] -%}
    {%- for number in range(1, var('max_train_cutoffs') + 1) -%}
        {%- do names.append('train_' ~ number) -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}
