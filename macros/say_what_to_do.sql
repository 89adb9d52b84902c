{#-
    After a build that failed: what its errors ask for, one line each. dbt shows an error as the engine
    words it, and one of Python with all its calls.

    Arguments:
        results (list): what dbt hands to on-run-end.
-#}
{% macro say_what_to_do(results) -%}
    {%- set said = [] -%}
    {%- for result in results or [] if result.status | string in ['error', 'runtime error'] -%}
        {%- set message = result.message | string -%}
        {%- set told = modules.re.findall('(?m)^ *python_ext\\.[\\w.]*Error: (.+)', message) -%}
        {%- for advice in error_advice() if modules.re.search(advice[0], message) -%}
            {%- do told.append(advice[1]) -%}
        {%- endfor -%}
        {%- for line in told[:1] if line not in said -%}
            {%- do said.append(line) -%}
            {%- do log('What to do (' ~ result.node.name ~ '): ' ~ line, info=true) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}


{#- What an engine's error means: a pattern of its message, and what to do. -#}
{% macro error_advice() -%}
    {{ return([
        [
            'No space left on device|File too large|max_temp_directory_size',
            'the disk is full. Free some space (or name a larger place for what does not fit into '
            ~ 'memory with SEGMENTATION_SPILL_DIRECTORY), then run `make retry` or the build again. What was '
            ~ 'published is whole.'
        ],
        [
            'Out of Memory Error|MemoryError',
            'the memory was not enough. Raise SEGMENTATION_MEMORY_LIMIT or lower SEGMENTATION_THREADS, then '
            ~ 'run `make retry` or the build again. What was published is whole.'
        ],
        [
            'worker process managed by the executor|TerminatedWorkerError|BrokenProcessPool',
            'a process that scored or trained was ended from outside, most likely for want of memory. Lower '
            ~ 'SEGMENTATION_MEMORY_LIMIT, or let one process do it all with LOKY_MAX_CPU_COUNT=1, then run '
            ~ '`make retry` or the build again. What was published is whole.'
        ],
        [
            'Corrupt database file|database has been invalidated|[Ff]ailed to deserialize',
            'the warehouse could not be read or written to its end. Run the build again; where it stops at the '
            ~ 'same table, put the warehouse aside as docs/FAULTS.md says. What was published is whole.'
        ],
        [
            '\\.(parquet|csv|json)\\b',
            'a raw file cannot be read to its end, or was changed meanwhile. `segmentation check` says which; '
            ~ 'write it again, then run the build again. What was published is whole.'
        ],
    ]) }}
{%- endmacro %}


{#-
    After a test of never_null that failed: which columns, for dbt tells how many they are.

    Arguments:
        results (list): what dbt hands to on-run-end.
-#}
{% macro say_which_columns_are_null(results) -%}
    {%- for result in results or [] if result.status | string in ['fail', 'warn'] -%}
        {%- if (result.node.test_metadata or {}).name == 'never_null' -%}
            {%- for column, rows in run_query(result.node.compiled_code).rows -%}
                {%- do log(result.node.name ~ ': ' ~ column ~ ' is null in ' ~ rows ~ ' rows', info=true) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}
