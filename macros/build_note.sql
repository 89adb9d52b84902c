{#-
    The warehouse notes which dbt command wrote to it last, of which raw files, and whether it came to its
    end. So nothing half built is published, and a `dbt retry` that cannot know what a killed build had
    done, or that would read other files than the build did, stops.
-#}
{% macro note_build_start() -%}
    {{ return(adapter.dispatch('note_build_start')()) }}
{%- endmacro %}

{% macro default__note_build_start() -%}
{%- endmacro %}

{% macro duckdb__note_build_start() -%}
    {%- if execute and flags.WHICH in ['build', 'run', 'seed', 'snapshot'] -%}
        {%- set before = last_build() -%}
        {#- Asked once: what is compared and what is noted must be the same. -#}
        {%- set now = run_query(
            "select raw_files('" ~ raw_folder() ~ "') as raw_files, " ~ made_of() ~ " as made_of"
        ).rows[0] -%}
        {%- set raw_files = dbt.string_literal(now.raw_files | replace("'", "''")) -%}
        {%- if is_retry() -%}
            {%- if not before -%}
                {{ exceptions.raise_compiler_error(
                    'In ' ~ target.path ~ ' no build is noted that could be gone on with. Name the warehouse of '
                    ~ 'the build in SEGMENTATION_DATABASE, or run the build again. Nothing was written.'
                ) }}
            {%- elif not before.is_finished -%}
                {{ exceptions.raise_compiler_error(
                    'The build before was cut off (killed, or the machine stopped), and `dbt retry` cannot '
                    ~ 'know what it had done. Run the build again. Nothing was written.'
                ) }}
            {%- elif before.changes -%}
                {{ exceptions.raise_compiler_error(
                    'The input is not the one of the build that is retried: ' ~ before.changes
                    ~ '. Run the build again, all of it; or, where ' ~ target.path ~ ' is not its warehouse, name '
                    ~ 'that in SEGMENTATION_DATABASE. Nothing was written.'
                ) }}
            {%- endif -%}
            {%- set raw_files = "(select raw_files from " ~ build_note() ~ ")" -%}
        {%- endif -%}
        {%- set query -%}
            create or replace table {{ build_note() }} as
            select
                '{{ invocation_id }}' as invocation_id,
                false as is_finished,
                {{ raw_files }} as raw_files,
                cast({{ "'" ~ now.made_of ~ "'" if now.made_of else 'null' }} as string) as made_of,
                {{ nothing_has_changed(before, now.made_of) }} as is_unchanged
        {%- endset -%}
        {{ write_at_once(query) }}
    {%- endif -%}
{%- endmacro %}


{% macro is_retry() -%}
    {{ return('retry' in (invocation_args_dict.get('invocation_command') or '').split(' ')) }}
{%- endmacro %}


{#- After a build, whether it passed or not: it came to its end. -#}
{% macro note_build_end() -%}
    {{ return(adapter.dispatch('note_build_end')()) }}
{%- endmacro %}

{% macro default__note_build_end() -%}
{%- endmacro %}

{% macro duckdb__note_build_end() -%}
    {%- if execute and flags.WHICH in ['build', 'run', 'seed', 'snapshot'] -%}
        {{ write_at_once("update " ~ build_note() ~ " set is_finished = true where invocation_id = '"
            ~ invocation_id ~ "'") }}
    {%- endif -%}
{%- endmacro %}


{#- After a build: it fails where a raw file is not the one any more that the build began with. -#}
{% macro refuse_changed_input() -%}
    {{ return(adapter.dispatch('refuse_changed_input')()) }}
{%- endmacro %}

{% macro default__refuse_changed_input() -%}
{%- endmacro %}

{% macro duckdb__refuse_changed_input() -%}
    {%- if execute and flags.WHICH in ['build', 'run', 'seed', 'snapshot'] and last_build().changes -%}
        {#- As an error of the statement: an error here would keep dbt from writing its results. -#}
        select error(
            'The input changed while it was being read: {{ last_build().changes | replace("'", "''") }}. Some '
            || 'tables may hold its old rows and others its new ones, so nothing of this build is published. Run '
            || 'the build again, and deliver files by renaming them into place while no build runs.'
        )
    {%- endif -%}
{%- endmacro %}


{#-
    The statement of a hook that is to stand even where the build is killed after it. dbt undoes what a hook
    leaves open, and whether something is open depends on what it looked up before.
-#}
{% macro write_at_once(query) -%}
    {%- call statement(auto_begin=true) -%} select 1 {%- endcall -%}
    {{ query }}; commit; begin
{%- endmacro %}


{#- Where the note stands. -#}
{% macro build_note() -%}
    {{ return('"' ~ target.database ~ '"."' ~ target.schema ~ '".last_build') }}
{%- endmacro %}


{#- Folder of the raw files, inside a quoted SQL text. -#}
{% macro raw_folder() -%}
    {{ return(var('raw_data', env_var('RAW_DATA', 'data/demo')) | replace("'", "''")) }}
{%- endmacro %}


{#- The note, with what happened to the raw files since; nothing in a warehouse that has none. -#}
{% macro last_build() -%}
    {%- if adapter.get_relation(target.database, target.schema, 'last_build') is not none -%}
        {%- set query -%}
            select *, raw_file_changes('{{ raw_folder() }}', raw_files) as changes from {{ build_note() }}
        {%- endset -%}
        {{ return(run_query(query).rows[0]) }}
    {%- endif -%}
{%- endmacro %}
