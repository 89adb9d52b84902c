{#-
    Before anything is written: the files of every switched-on source against what is declared, and
    the secret that customer_key needs; and that the suppression list can be compared. The same as `segmentation check`; the functions come with
    the plugin that profiles.yml names.
-#}
{% macro check_input() -%}
    {%- if execute and flags.WHICH in ['build', 'run', 'test', 'seed', 'snapshot', 'retry'] -%}
        {%- set raw_data = var('raw_data', env_var('RAW_DATA', 'data/demo')) -%}
        {%- set report = input_report(
            raw_data, var('demo_secret_allowed', raw_data == 'data/demo')
        ) -%}
        {%- if report -%}
            {{ exceptions.raise_compiler_error(report) }}
        {%- endif -%}
        {%- set off = [] -%}
        {%- for table in contract_tables() if not source_is_on(table.table) -%}
            {%- do off.append(table.table) -%}
        {%- endfor -%}
        {%- if off -%}
            {{ log('Switched off, and absent from every model: ' ~ off | join(', '), info=true) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{#- What is wrong with the input, in words; nothing when all is well. -#}
{% macro input_report(raw_data, demo_secret_allowed) -%}
    {{ return(adapter.dispatch('input_report')(raw_data, demo_secret_allowed)) }}
{%- endmacro %}

{% macro default__input_report(raw_data, demo_secret_allowed) -%}
    {%- set query -%}
        select
            input_problems(
                '{{ raw_data | replace("'", "''") }}',
                '{{ var("raw_format") }}',
                '{{ tojson(var("sources") or {}) }}',
                '{{ tojson(var("raw_folders")) }}'
            )
            || currency_problem('{{ var("base_currency") }}')
            || secret_problem({{ demo_secret_allowed }})
            || suppression_problem(
                '{{ raw_data | replace("'", "''") }}',
                {{ demo_secret_allowed }}
            )
    {%- endset -%}
    {{ return(run_query(query).columns[0].values()[0]) }}
{%- endmacro %}

{#- The same functions, asked where dbt runs: its machine must reach the files as the executors do. -#}
{% macro spark__input_report(raw_data, demo_secret_allowed) -%}
    {{ return(adapter.input_report(
        raw_data, var('raw_format'), tojson(var('sources') or {}), tojson(var('raw_folders')),
        var('base_currency'), demo_secret_allowed
    )) }}
{%- endmacro %}
