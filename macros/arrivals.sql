{#-
    Models that are built by arrival: of a table that is a folder of files only the files that are
    new are read, and the rows rewritten whose content they change. What was read stands in the table
    bookkeeping.arrivals; each row says in which load it was written (`loaded_in`), so that a model
    over such a model rebuilds what belongs to rows written since its own last load. Such a model is
    rebuilt as a whole when `why_rebuilt` gives a reason. docs/OPERATIONS.md tells the rest.
-#}


{#-
    Makes a model one that is built by arrival.

    Arguments:
        key (string): the column whose rows are written anew together.
-#}
{% macro built_by_arrival(key) -%}
    {%- do config(
        materialized=by_arrival(), incremental_strategy='arrivals', unique_key=key,
        post_hook='{{ note_arrivals() }}'
    ) -%}
{%- endmacro %}


{#- The table of what was read: by each model, and, under no model, what this load has seen. -#}
{% macro arrivals_table() -%}
    {{ return(api.Relation.create(database=target.database, schema='bookkeeping', identifier='arrivals')) }}
{%- endmacro %}


{#- Asked of the database, for dbt does not know of a table that a hook has made. -#}
{% macro arrivals_are_noted() -%}
    {{ return(by_arrival() == 'incremental' and one_value(
        "select count(*) from information_schema.tables where table_schema = 'bookkeeping' "
        ~ "and table_name = 'arrivals' and table_catalog = '" ~ target.database ~ "'"
    ) > 0) }}
{%- endmacro %}


{#- The tables that may be a folder of files; python_ext/settings.py names them too, a test compares. -#}
{% macro arriving_tables() -%}
    {{ return(['shop.orders', 'shop.order_lines', 'web.events', 'email.events']) }}
{%- endmacro %}


{#- Path or pattern of the raw files of a table: what its reader has in quotes, as the sources say. -#}
{% macro raw_path(table) -%}
    {%- set path = var('raw_data', env_var('RAW_DATA', 'data/demo')) ~ '/' ~ table | replace('.', '/')
        ~ ('/[!.]*' if table in var('raw_folders', []) else '') -%}
    {{ return(var('raw_readers')[var('raw_format')].split("'")[1] | replace('{path}', path)) }}
{%- endmacro %}


{#- The raw file a row comes from, as a person would name it: web/events/2024-03-01.parquet. -#}
{% macro file_of_row(table) -%}
    {%- if table in var('raw_folders', []) and source_is_on(table) -%}
        '{{ table | replace(".", "/") }}/' || {{ replace_regex(path_of_row(), '^.*/', '') }}
    {%- else -%}
        '{{ source_file(table) }}'
    {%- endif -%}
{%- endmacro %}


{#- What decides between rows of one key before all else: the later arrival, where there are several. -#}
{% macro latest_arrival_first(table) -%}
    {{ return(['source_file desc'] if table in var('raw_folders', []) else []) }}
{%- endmacro %}


{#-
    Files of a raw table that came in after this load began, and belong to the next one.

    Arguments:
        table (string): source and table.
        model_name (string): a model that has read the table; by default whatever this load has seen.
-#}
{% macro files_of_next_load(table, model_name='') -%}
    {%- if
        not execute or flags.WHICH not in ['build', 'run', 'show'] or table not in var('raw_folders', [])
        or not arrivals_are_noted() -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set query -%}
        with known as (
            select file from {{ arrivals_table() }}
            where model = '{{ model_name }}' and source_table = '{{ table }}'
        )

        select file from {{ files_of(raw_path(table)) }}
        where file not in (select file from known) and exists (select 1 from known)
        order by file
    {%- endset -%}
    {{ return(run_query(query).columns[0].values() | list) }}
{%- endmacro %}


{#- Number of this load; 0 where nothing is built, as in a unit test. -#}
{% macro load_number() -%}
    {%- if execute and arrivals_are_noted() -%}
        {{ return(one_value(
            "select coalesce(max(load_number), 0) from " ~ arrivals_table() ~ " where model = ''"
        )) }}
    {%- endif -%}
    {{ return(0) }}
{%- endmacro %}


{% macro one_value(query) -%}
    {{ return(run_query(query).columns[0].values()[0]) }}
{%- endmacro %}


{#- The raw table of this model, as `web.events`; none for one that reads other models only. -#}
{% macro table_of_model() -%}
    {%- set sources = graph.nodes[model.unique_id].sources -%}
    {{ return(sources[0] | join('.') if sources else none) }}
{%- endmacro %}


{#- Models before this one that are built by arrival. -#}
{% macro models_followed() -%}
    {%- set followed = [] -%}
    {%- for parent in graph.nodes[model.unique_id].depends_on.nodes
        if graph.nodes.get(parent, {}).get('config', {}).get('incremental_strategy') == 'arrivals' -%}
        {%- do followed.append(graph.nodes[parent].relation_name) -%}
    {%- endfor -%}
    {{ return(followed) }}
{%- endmacro %}


{#- Vars that the models built by arrival read; a test compares with their code. -#}
{% macro vars_that_decide() -%}
    {{ return([
        'raw_data', 'raw_format', 'raw_readers', 'sources', 'date_formats',
        'earliest_plausible_date', 'near_duplicate_seconds', 'demo_secret_allowed',
        'session_timeout_minutes', 'time_zone', 'largest_amount', 'longest_page_seconds',
    ]) }}
{%- endmacro %}


{#-
    Types of the columns of a table that is a folder of JSON files, which the reader finds by looking. A new file
    may make others of them: numbers of orders that all were UUIDs are no text before the first that is none.
-#}
{% macro types_of_arrivals(table) -%}
    {%- if table not in var('raw_folders', []) or not source_is_on(table) or var('raw_format') != 'json' -%}
        {{ return('') }}
    {%- endif -%}
    {%- set path = var('raw_data', env_var('RAW_DATA', 'data/demo')) ~ '/' ~ table | replace('.', '/') ~ '/[!.]*' -%}
    {{ return(one_value(
        "select string_agg(column_name || ' ' || column_type, ', ' order by column_name) from (describe select * from "
        ~ var('raw_readers')[var('raw_format')] | replace('{path}', path) ~ ")"
    )) }}
{%- endmacro %}


{#- Fingerprint of what else decides over rows: code, settings, seeds, types, who was forgotten. -#}
{% macro settings_of_model() -%}
    {%- if 'settings_of_model' not in model -%}
        {%- do model.update({'settings_of_model': find_settings_of_model()}) -%}
    {%- endif -%}
    {{ return(model['settings_of_model']) }}
{%- endmacro %}


{% macro find_settings_of_model() -%}
    {%- set node = graph.nodes[model.unique_id] -%}
    {%- set parts = [node.checksum.checksum, types_of_arrivals(table_of_model())] -%}
    {%- for name in vars_that_decide() -%}
        {%- do parts.append(var(name, none)) -%}
    {%- endfor -%}
    {%- set raw_data = var('raw_data', env_var('RAW_DATA', 'data/demo')) | replace("'", "''") -%}
    {%- do parts.append(one_value(
        "select what_decides('" ~ raw_data ~ "', '" ~ run_started_at.isoformat() ~ "')"
    )) -%}
    {%- for parent in node.depends_on.nodes | sort if parent.startswith('seed.') -%}
        {%- do parts.append(one_value(content_hash(graph.nodes[parent].relation_name))) -%}
    {%- endfor -%}
    {{ return(local_md5(tojson(parts, sort_keys=true))) }}
{%- endmacro %}


{#- Why this model is rebuilt as a whole, in words; empty when what is new is enough. -#}
{% macro why_rebuilt() -%}
    {#- Asked once: the answer must not change while the model is built. -#}
    {%- if 'why_rebuilt' not in model -%}
        {%- do model.update({'why_rebuilt': find_why_rebuilt()}) -%}
    {%- endif -%}
    {{ return(model['why_rebuilt']) }}
{%- endmacro %}


{% macro find_why_rebuilt() -%}
    {%- if not arrivals_are_noted() -%}
        {{ return('nothing is known of what was read') }}
    {%- endif -%}
    {%- set query -%}
        with mine as (
            select * from {{ arrivals_table() }} where model = '{{ model.name }}'
        ),

        seen as (
            select * from {{ arrivals_table() }} where model = ''
        )

        select case
            when not exists (select 1 from mine) then 'it is not known what it was built from'
            when exists (select 1 from mine where settings <> '{{ settings_of_model() }}')
                then 'settings, seeds, code or the suppression list have changed'
            when exists (
                select 1 from mine where source_table <> '' and {{ is_not_among('mine', 'seen') }}
            )
                then (
                    select min(file) || ' has changed or is gone' from mine
                    where source_table <> '' and {{ is_not_among('mine', 'seen') }}
                )
            {%- for relation in models_followed() %}
            when
                (select min(loaded_in) from {{ relation }})
                > (select max(load_number) from mine)
                then {{ dbt.string_literal(relation | replace('"', '') ~ ' was rebuilt') }}
            {#- One that is empty now tells no load, and so nothing of the rows that went. -#}
            {%- if load_cached_relation(this) is not none %}
            when
                not exists (select 1 from {{ relation }}) and exists (select 1 from {{ this }})
                then {{ dbt.string_literal(relation | replace('"', '') ~ ' is empty') }}
            {%- endif %}
            {%- endfor %}
        end
    {%- endset -%}
    {{ return(one_value(query) or '') }}
{%- endmacro %}


{#- Whether a file of one list is not in another as it was. -#}
{% macro is_not_among(files, others) -%}
    not exists (
        select 1 from {{ others }} as other
        where
            other.source_table = {{ files }}.source_table
            and other.file = {{ files }}.file
            and other.version = {{ files }}.version
    )
{%- endmacro %}


{#- As in dbt; and where a model is built by arrival, whenever that would not be exact. -#}
{% macro should_full_refresh() -%}
    {%- set asked = config.get('full_refresh') -%}
    {%- if asked is none -%}
        {%- set asked = flags.FULL_REFRESH -%}
    {%- endif -%}
    {%- if not asked and config.get('incremental_strategy') == 'arrivals' -%}
        {%- set asked = why_rebuilt() != '' -%}
    {%- endif -%}
    {{ return(asked) }}
{%- endmacro %}


{#- After a model, in its transaction: what it has read. Says so when it was rebuilt. -#}
{% macro note_arrivals() -%}
    {%- if execute and by_arrival() == 'incremental' -%}
        {%- set reason = why_rebuilt() -%}
        {%- if reason and reason != 'it is not known what it was built from' -%}
            {%- do log(model.name ~ ' is rebuilt as a whole: ' ~ reason, info=true) -%}
        {%- endif -%}
        {%- set table = table_of_model() -%}
        delete from {{ arrivals_table() }} where model = '{{ model.name }}';
        {#- What `--empty` read is nothing. -#}
        {%- if not flags.EMPTY %}
        insert into {{ arrivals_table() }}
        select
            '{{ model.name }}', source_table, file, version, '{{ settings_of_model() }}',
            load_number
        from {{ arrivals_table() }}
        where
            model = '' and source_table in ('', '{{ table or "" }}')
            and load_number = {{ load_number() }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{#- The files of a raw table that this model has not read yet. -#}
{% macro new_files(table) -%}
    {%- if 'new_files' not in model -%}
        {%- set query -%}
            select file from {{ arrivals_table() }} as seen
            where
                model = '' and source_table = '{{ table }}'
                and file not in (
                    select file from {{ arrivals_table() }} where model = '{{ model.name }}'
                )
            order by file
        {%- endset -%}
        {%- do model.update({'new_files': run_query(query).columns[0].values() | list}) -%}
    {%- endif -%}
    {{ return(model['new_files']) }}
{%- endmacro %}


{#- The rows of a raw table in files that this model has not read yet. -#}
{% macro new_rows(relation, table) -%}
    {%- set files = new_files(table) -%}
    (
        select *, {{ file_of_row(table) }} as source_file from {{ relation }}
        {%- if files %}
        where {{ path_of_row() }} in (
            {%- for file in files %}{{ dbt.string_literal(file) }}{{ ", " if not loop.last }}{% endfor -%}
        )
        {%- else %}
        where 1 = 0
        {%- endif %}
    )
{%- endmacro %}


{#-
    The keys of a raw table whose rows are written anew: those that new files name, those of rows
    that may repeat a new row, and those of stored rows whose verdict holds no more.

    Arguments:
        relation (relation): what `source()` gave.
        table (string): source and table.
        key (string): the raw column of the key.
        date_column (string): the column that dates a row, or none.
        alike (dict): stored column → raw column that near-duplicates share.
        outdated (list): conditions on `stored`, a row of this model.
-#}
{% macro affected_keys(relation, table, key, date_column=none, alike={}, outdated=[]) -%}
    {%- set arrived = new_rows(relation, table) -%}
    select coalesce({{ clean_text('arrived.' ~ key) }}, '') as affected_key
    from {{ arrived }} as arrived
    {%- if alike %}
    union
    select coalesce(stored.{{ key }}, '')
    from {{ this }} as stored
    inner join {{ arrived }} as arrived
        on
            stored.{{ date_column }} between {{ parse_timestamp('arrived.' ~ date_column) }}
            and {{ parse_timestamp('arrived.' ~ date_column) }}
            + interval {{ var('near_duplicate_seconds') }} second
            {%- for own, raw in alike.items() %}
            and stored.{{ own }} is not distinct from {{
                clean_text('arrived.' ~ raw) if own == raw else 'arrived.' ~ raw
            }}
            {%- endfor %}
    {%- endif %}
    {%- if date_column %}
    union
    select coalesce(stored.{{ key }}, '')
    from {{ this }} as stored
    cross join ({{ kept_since(relation, table, date_column) }}) as kept_since
    where
        (stored.rejection_reason is null and stored.{{ date_column }} < kept_since.kept_from)
        or (
            stored.rejection_reason = 'future_date'
            and not {{ is_in_future('stored.' ~ date_column) }}
        )
    {%- endif %}
    {%- for condition in outdated %}
    union
    select coalesce(stored.{{ key }}, '')
    from {{ this }} as stored
    where {{ condition }}
    {%- endfor %}
{%- endmacro %}


{#- Restricts a reading of a raw table to the affected keys; nothing when all of it is read. -#}
{% macro only_affected(key, begin='where') -%}
    {%- if is_incremental() %}
    {{ begin }} coalesce({{ clean_text(key) }}, '') in (select affected_key from affected)
    {%- endif -%}
{%- endmacro %}


{#- A further condition, where not all is read: rows that share a raw column with a CTE. -#}
{% macro only_with(column, cte) -%}
    {%- if is_incremental() %}
        and {{ column }} in (select {{ column }} from {{ cte }})
    {%- endif -%}
{%- endmacro %}


{#-
    Between `as` and the bracket of the raw rows, which are used several times: all are read each time
    (`read_anew`), while the affected ones are few, and finding them costs more than keeping them.
-#}
{% macro affected_or_anew() -%}
    {{ 'materialized' if is_incremental() else read_anew() }}
{%- endmacro %}


{#-
    A raw table whose few columns are read once more: the file itself, where a CTE used twice would
    be kept whole in memory, and the CTE where it holds but the affected rows.
-#}
{% macro read_again(cte, relation, table) -%}
    {{ cte if is_incremental() else source_rows(relation, table) }}
{%- endmacro %}


{#- Keys of a model built by arrival whose rows were written since this model was last built. -#}
{% macro keys_written_since(relation, key) -%}
    select distinct coalesce({{ key }}, '') as affected_key
    from {{ relation }}
    where loaded_in > (
        select max(load_number) from {{ arrivals_table() }} where model = '{{ model.name }}'
    )
{%- endmacro %}


{#- A further condition, where not all is read: keys written since in a model before. -#}
{% macro only_written_since(relation, key) -%}
    {%- if is_incremental() %}
        and coalesce({{ key }}, '') in ({{ keys_written_since(relation, key) }})
    {%- endif -%}
{%- endmacro %}


{#-
    Incremental strategy `arrivals`: of every key that is written anew, or whose rows in a model
    before changed, the old rows go; the new ones come.
-#}
{% macro get_incremental_arrivals_sql(arg_dict) -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    {%- set key = arg_dict['unique_key'] -%}
    delete from {{ arg_dict['target_relation'] }}
    where
        coalesce({{ key }}, '') in (select coalesce({{ key }}, '') from {{ arg_dict['temp_relation'] }})
        {%- for relation in models_followed() %}
        or coalesce({{ key }}, '') in ({{ keys_written_since(relation, key) }})
        {%- endfor %};
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }}
{%- endmacro %}
