{#-
    Runs of a warehouse: each has a number, a name and a hash of its settings (as its `file`), and is
    noted as passed at its end, in the table of macros/arrivals.sql.
-#}


{#-
    Before anything is written: settings of a run that learns nothing must not build everything, a smaller
    run needs a whole one before it, and session and project must mean one clock.
-#}
{% macro check_run() -%}
    {%- if execute and by_arrival() == 'incremental' and flags.WHICH in ['build', 'run'] -%}
        {%- set zone = one_value("select current_setting('TimeZone')") -%}
        {%- if zone | replace('Etc/', '') != var('time_zone') | replace('Etc/', '') -%}
        {{ exceptions.raise_compiler_error(
            'time_zone is ' ~ var('time_zone') ~ ' in dbt_project.yml, but the connection has ' ~ zone
            ~ ': set it in the dataset.yml of the dataset, or by --vars. Nothing was written.'
        ) }}
        {%- endif -%}
    {%- endif -%}
    {%- if execute and flags.WHICH in ['build', 'run'] and var('cutoffs') == 'score' -%}
        {%- for name in [
            'int_categories_ranked', 'ml_feature_distributions', 'ml_lifetime_models',
            'ml_propensity_models', 'ml_value_models'
        ] if 'model.' ~ project_name ~ '.' ~ name in selected_resources -%}
        {{ exceptions.raise_compiler_error(
            'These settings are of a run that learns nothing (`segmentation vars --run hourly`, `daily`), '
            ~ 'but ' ~ name ~ ' is to be built, which learns. Add --selector hourly or daily, or leave out --run. '
            ~ 'Nothing was written.'
        ) }}
        {%- endfor -%}
    {%- endif -%}
    {%- if execute and flags.WHICH == 'build' and name_of_run() in ['hourly', 'daily'] -%}
        {%- set query -%}
            select count(*) from {{ arrivals_table() }}
            where model = '' and source_table = '' and settings = 'complete'
        {%- endset -%}
        {%- if by_arrival() == 'incremental' and not (arrivals_are_noted() and one_value(query)) -%}
        {{ exceptions.raise_compiler_error(
            'The ' ~ name_of_run() ~ ' run leaves most as the last whole build made it, and of this warehouse '
            ~ 'none is noted. Run `make retrain` first. Nothing was written.'
        ) }}
        {%- elif var('cutoffs') != 'score' -%}
        {{ exceptions.raise_compiler_error(
            'The ' ~ name_of_run() ~ ' run learns nothing, and these settings are of a run that does. Give it those of '
            ~ '`segmentation vars --run ' ~ name_of_run() ~ '`. Nothing was written.'
        ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{#-
    At the start of a run: number the load, and list the raw files as they are now. A file that comes
    or changes later, also between a build and its retry, belongs to the next load.
-#}
{% macro begin_load() -%}
    {%- if execute and by_arrival() == 'incremental' and flags.WHICH in ['build', 'run', 'seed'] -%}
    {%- set sql %}
    create schema if not exists {{ arrivals_table().without_identifier() }};
    create table if not exists {{ arrivals_table() }} (
        model string, source_table string, file string, version string, settings string,
        load_number integer
    );
    insert into {{ arrivals_table() }}
    select
        '', '', settings_fingerprint({{ given_vars() }}),
        'begun', '{{ name_of_run() }}', coalesce(max(load_number), 0) + 1
    from {{ arrivals_table() }};
    {%- if is_retry() %}
    {#- A retry goes on with the files of its build: some models have read them already. #}
    update {{ arrivals_table() }} set load_number = (select max(load_number) from {{ arrivals_table() }})
    where model = '' and source_table <> '';
    {%- else %}
    delete from {{ arrivals_table() }} where model = '' and source_table <> '';
    {%- for table in arriving_tables() if source_is_on(table) %}
    insert into {{ arrivals_table() }}
    select '', '{{ table }}', file, version, '', (select max(load_number) from {{ arrivals_table() }})
    from {{ files_of(raw_path(table)) }};
    {%- endfor %}
    {%- endif %}
    {#- What came in since the note of the build is in this list, and so in the tables. -#}
    {%- if one_value('select is_unchanged from ' ~ build_note()) %}
    update {{ build_note() }} set is_unchanged = made_of is not distinct from {{ made_of() }};
    {%- endif -%}
    {%- endset -%}
    {%- do run_kept(sql) -%}
    {%- endif -%}
{%- endmacro %}


{#- Vars of the command line, as JSON in a literal. -#}
{% macro given_vars() -%}
    {{ dbt.string_literal(tojson(invocation_args_dict.vars, sort_keys=true) | replace("'", "''")) }}
{%- endmacro %}


{#-
    Notes that what was built is changed by hand: only a whole build makes up for it, and until then no
    smaller run is published. In the transaction of the change.
-#}
{% macro note_change() -%}
    {%- if arrivals_are_noted() -%}
        {%- set sql %}
        insert into {{ arrivals_table() }}
        select '', '', '', 'begun', 'part', coalesce(max(load_number), 0) + 1
        from {{ arrivals_table() }}
        {%- endset -%}
        {%- do run_query(sql) -%}
    {%- endif -%}
{%- endmacro %}


{#- Runs SQL of a hook in a transaction of its own: what a hook leaves open may be undone. -#}
{% macro run_kept(sql) -%}
    {%- call statement('kept') %}{{ sql }}{% endcall -%}
    {%- do adapter.commit() -%}
{%- endmacro %}


{#-
    Which run this is: that of a selector (hourly, daily), `complete`, `part` where models or kinds of
    nodes were named. To dbt, a retry is the build it goes on with.
-#}
{% macro name_of_run() -%}
    {%- set asked = invocation_args_dict -%}
    {%- set left_out = (asked.get('exclude_resource_types') or []) | reject('in', ['test', 'unit_test']) -%}
    {%- if asked.get('resource_types') or left_out | list -%}
        {{ return('part') }}
    {%- elif asked.get('selector') in ['hourly', 'daily'] -%}
        {{ return(asked['selector']) }}
    {%- elif
        flags.WHICH != 'build' or asked.get('select') or asked.get('exclude')
        or asked.get('selector') not in [none, '', 'retrain'] -%}
        {{ return('part') }}
    {%- endif -%}
    {{ return('complete') }}
{%- endmacro %}


{#-
    At the end of a build: whether it passed; `dbt run` never does, for it tests nothing. `segmentation
    publish` asks whether marts that a smaller run leaves as they are come from one that passed
    (python_ext/loads.py). What came before the last complete run that passed is of no interest any more.
-#}
{% macro end_load(results) -%}
    {%- if execute and by_arrival() == 'incremental' and flags.WHICH == 'build' -%}
        {%- set failed = [] -%}
        {%- for result in results
            if result.status | string in ['error', 'fail', 'runtime error', 'skipped', 'partial success'] -%}
            {%- do failed.append(result.node.name) -%}
        {%- endfor -%}
        {%- if not failed -%}
        {%- set sql %}
        update {{ arrivals_table() }} set version = 'passed'
        where model = '' and source_table = '' and load_number = {{ load_number() }};
        {%- if name_of_run() == 'complete' %}
        delete from {{ arrivals_table() }}
        where model = '' and source_table = '' and load_number < {{ load_number() }};
        {%- endif %}
        {%- endset -%}
        {%- do run_kept(sql) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
