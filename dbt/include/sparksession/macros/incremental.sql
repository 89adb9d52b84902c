{#-
    Incremental models on Parquet, which knows neither `merge` nor `delete`. New rows are written to a
    table of their own first, for a model may read its own past, and Spark cannot overwrite what the
    same statement reads. Then, by strategy:

    - `append`: they are added;
    - `rewrite`: they are the table;
    - else, with `unique_key`: kept rows and new ones are written aside and become the table.

    Spark empties a table before it overwrites it. What stands aside as a whole is there only once it is
    complete: where a run before left it, that run was broken off and the table may be short, so it is
    put in place first, before the model reads its past.
-#}
{% materialization incremental, adapter='sparksession', supported_languages=['sql', 'python'] -%}
    {%- set language = model['language'] -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_relation(this) -%}
    {%- set new_rows = this.incorporate(path={'identifier': this.identifier ~ '__new'}, type='table') -%}
    {%- set all_rows = this.incorporate(path={'identifier': this.identifier ~ '__all'}, type='table') -%}

    {%- set strategy = config.get('incremental_strategy') -%}
    {%- set keys = config.get('unique_key') -%}
    {%- set is_merged = keys and strategy not in ['append', 'rewrite'] -%}
    {%- if strategy in ['insert_overwrite', 'microbatch'] -%}
        {#- Tables have no partitions here: it would replace everything. -#}
        {{ exceptions.raise_compiler_error('Strategy ' ~ strategy ~ ' is not supported on Spark (' ~ this ~ ').') }}
    {%- endif -%}
    {%- set whole = all_rows if is_merged else new_rows if strategy == 'rewrite' else none -%}

    {{ run_hooks(pre_hooks) }}

    {%- if existing is not none and whole is not none and load_relation(whole) is not none -%}
        {%- set columns = adapter.get_columns_in_relation(existing) | map(attribute='quoted') | list -%}
        {%- set aside = adapter.get_columns_in_relation(whole) | map(attribute='quoted') | list -%}
        {#- One with other columns was made by other code, which failed before it overwrote anything. -#}
        {%- if columns | reject('in', aside) | list == [] -%}
            {%- do log(existing ~ ' is restored from ' ~ whole ~ ': the run before was broken off', info=true) -%}
            {%- call statement('restored') -%}
                insert overwrite table {{ existing }} select {{ columns | join(', ') }} from {{ whole }}
            {%- endcall -%}
        {%- endif -%}
        {%- do adapter.drop_relation(whole) -%}
    {%- endif -%}

    {%- if existing is none or should_full_refresh() -%}
        {%- if existing is not none -%}
            {%- do adapter.drop_relation(existing) -%}
        {%- endif -%}
        {%- call statement('main', language=language) -%}
            {{ create_table_as(False, target_relation, compiled_code, language) }}
        {%- endcall -%}
    {%- else -%}
        {%- do adapter.drop_relation(new_rows) -%}
        {%- do adapter.drop_relation(all_rows) -%}
        {%- call statement('new_rows', language=language) -%}
            {{ create_table_as(True, new_rows, compiled_code, language) }}
        {%- endcall -%}
        {%- set columns = adapter.get_columns_in_relation(existing) | map(attribute='quoted') | join(', ') -%}
        {%- if is_merged -%}
            {%- set keys = [keys] if keys is string else keys -%}
            {%- call statement('all_rows') -%}
                create table {{ all_rows }} using parquet as
                select {{ columns }} from {{ existing }} as kept
                where not exists (
                    select 1 from {{ new_rows }} as arrived
                    where
                        {%- for key in keys %}
                        kept.{{ key }} <=> arrived.{{ key }}{{ ' and' if not loop.last }}
                        {%- endfor %}
                )
                union all
                select {{ columns }} from {{ new_rows }}
            {%- endcall -%}
        {%- endif -%}
        {%- call statement('main') -%}
            insert {{ 'into' if strategy == 'append' else 'overwrite' }} table {{ existing }}
            select {{ columns }} from {{ all_rows if is_merged else new_rows }}
        {%- endcall -%}
        {%- do adapter.drop_relation(new_rows) -%}
        {%- do adapter.drop_relation(all_rows) -%}
    {%- endif -%}

    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}
