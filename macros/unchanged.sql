{#-
    A build of what the last one was built of leaves the tables as they are: the same raw files, settings,
    code, libraries, secret and list of who was forgotten, on the same day, after a build that passed.
    Tests run. `--full-refresh` makes every table anew.

    Arguments:
        before (row): the note of the last build, if there is one.
        now (string): what `made_of` says now.
-#}
{% macro nothing_has_changed(before, now) -%}
    {%- if
        not before or not before.is_finished or not before.made_of or before.made_of != now
        or flags.WHICH != 'build' or flags.FULL_REFRESH or name_of_run() == 'part'
        or 'always' in [var('segments_refit'), var('propensity_retrain'), var('value_retrain')]
        or not last_run_passed() or future_has_come() -%}
        {{ return(false) }}
    {%- endif -%}
    {%- do log(
        'Nothing has changed since the last build: tables stay as they are, tests run. --full-refresh makes '
        ~ 'them anew.', info=true
    ) -%}
    {{ return(true) }}
{%- endmacro %}


{#- What the tables of this run are made of (python_ext/unchanged.py); null where that is not one state. -#}
{% macro made_of() -%}
    {%- if is_retry() or flags.EMPTY or invocation_args_dict.get('defer') -%}
        cast(null as string)
    {%- else -%}
        {%- set started = run_started_at.astimezone(modules.pytz.timezone(var('time_zone'))) -%}
        {%- set seed = graph.nodes['seed.' ~ project_name ~ '.propensity_targets'] -%}
        made_of(
            '{{ seed.root_path | replace("'", "''") }}', '{{ raw_folder() }}', {{ given_vars() }},
            '{{ name_of_run() }}', '{{ started.isoformat() }}'
        )
    {%- endif -%}
{%- endmacro %}


{#- Whether the last run of this warehouse was one like this, and passed. -#}
{% macro last_run_passed() -%}
    {%- if not arrivals_are_noted() -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set query -%}
        select coalesce(max_by(settings = '{{ name_of_run() }}' and version = 'passed', load_number), false)
        from {{ arrivals_table() }}
        where model = '' and source_table = ''
    {%- endset -%}
    {{ return(one_value(query)) }}
{%- endmacro %}


{#- Whether a row that was set aside because its date lay in the future would be read now. -#}
{% macro future_has_come() -%}
    {%- set tables = contract_tables() | selectattr('dated_by', 'defined') -%}
    {%- for table in tables -%}
        {%- set node = graph.nodes['model.' ~ project_name ~ '.' ~ table.model] -%}
        {%- set relation = adapter.get_relation(node.database, node.schema, node.alias) -%}
        {%- if relation is none -%}
            {{ return(true) }}
        {%- endif -%}
        {%- set query -%}
            select count(*) from {{ relation }}
            where rejection_reason = 'future_date' and not {{ is_in_future(table.dated_by) }}
        {%- endset -%}
        {%- if one_value(query) -%}
            {{ return(true) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(false) }}
{%- endmacro %}


{#- Whether this model is left as it is. -#}
{% macro is_left() -%}
    {%- if
        flags.WHICH != 'build' or model.package_name != project_name or load_cached_relation(this) is none -%}
        {{ return(false) }}
    {%- endif -%}
    {{ return(one_value(
        "select count(*) from " ~ build_note() ~ " where is_unchanged and invocation_id = '"
        ~ invocation_id ~ "'"
    ) > 0) }}
{%- endmacro %}


{#- What a materialization returns that has nothing to do. -#}
{% macro left_relations() -%}
    {%- call noop_statement('main', 'LEFT AS IT IS') -%}{%- endcall -%}
    {{ return({'relations': [this.incorporate(type='table')]}) }}
{%- endmacro %}
