{#-
    A table in Parquet. Where columns are documented or under a contract they are declared first, with
    their comments, and filled then: a `create table as` takes neither.
-#}
{% macro sparksession__create_table_as(temporary, relation, compiled_code, language='sql') -%}
    {%- if language == 'python' -%}
        {{ compiled_code }}
# What the model gives becomes the table.
model(dbtObj(session.table), session).write.mode('overwrite').format('parquet').saveAsTable('{{ relation }}')
    {%- elif temporary or not config.get('contract').enforced -%}
        create table {{ relation }} using parquet {{ comment_clause() }} as
        {{ compiled_code }}
    {%- else -%}
        {{ get_assert_columns_equivalent(compiled_code) }}
        {%- set columns = [] -%}
        {%- for column in model.columns.values() -%}
            {#- The catalogue of Hive keeps 256 letters of it. -#}
            {%- set comment = sparksession__literal(column.description | truncate(250, leeway=0)) -%}
            {%- do columns.append(
                adapter.quote(column.name) ~ ' ' ~ column.data_type
                ~ (' comment ' ~ comment if config.persist_column_docs() else '')
            ) -%}
        {%- endfor -%}
        {%- call statement('declare') -%}
            create table {{ relation }} ({{ columns | join(', ') }})
            using parquet
            {%- if config.persist_relation_docs() %} comment {{ sparksession__literal(model.description) }}{% endif %}
        {%- endcall %}
        insert into {{ relation }}
        {{ get_select_subquery(compiled_code) }}
    {%- endif -%}
{%- endmacro %}


{#- A text as a literal of Spark. -#}
{% macro sparksession__literal(text) -%}
    '{{ text | replace("\\", "\\\\") | replace("'", "\\'") | replace("\n", "\\n") }}'
{%- endmacro %}


{#- Comments are said when a table is made. -#}
{% macro sparksession__persist_docs(relation, model, for_relation, for_columns) -%}
{%- endmacro %}


{#- Parquet tables keep no constraints. -#}
{% macro sparksession__persist_constraints(relation, model) -%}
{%- endmacro %}


{% macro sparksession__create_csv_table(model, agate_table) -%}
    {%- set types = {} -%}
    {%- for name in agate_table.column_names -%}
        {%- do types.update({
            name: (model.config.column_types or {}).get(name, adapter.convert_type(agate_table, loop.index0))
        }) -%}
    {%- endfor -%}
    {%- do adapter.write_rows(this, agate_table, types) -%}
    {{ return('') }}
{%- endmacro %}


{#- `create_csv_table` has filled the table. -#}
{% macro sparksession__load_csv_rows(model, agate_table) -%}
    {{ return('') }}
{%- endmacro %}
