{#-
    Before anything is written: the files of every switched-on source against what is declared, and
    the secret that customer_key needs; and that the suppression list can be compared. The same as `segmentation check`; the functions come with
    the plugin that profiles.yml names.
-#}
{% macro check_input() -%}
    {{ return(adapter.dispatch('check_input')()) }}
{%- endmacro %}

{% macro default__check_input() -%}
    {%- if execute and flags.WHICH in ['build', 'run', 'test', 'seed', 'snapshot', 'retry'] -%}
        {%- set raw_data = var('raw_data', env_var('RAW_DATA', 'data/demo')) -%}
        {%- set query -%}
            select
                input_problems(
                    '{{ raw_data | replace("'", "''") }}',
                    '{{ var("raw_format") }}',
                    '{{ tojson(var("sources") or {}) }}',
                    '{{ tojson(var("raw_folders")) }}'
                )
                || currency_problem('{{ var("base_currency") }}')
                || secret_problem({{ var('demo_secret_allowed', raw_data == 'data/demo') }})
                || suppression_problem(
                    '{{ raw_data | replace("'", "''") }}',
                    {{ var('demo_secret_allowed', raw_data == 'data/demo') }}
                )
        {%- endset -%}
        {%- set report = run_query(query).columns[0].values()[0] -%}
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

{#- On Spark the files are checked by `segmentation check` before the build. -#}
{% macro spark__check_input() -%}
{%- endmacro %}
