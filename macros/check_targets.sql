{#-
    Before anything is written: every row of the seed propensity_targets must say what it means. An
    unknown event or condition, or a window longer than the spacing of cutoffs, would otherwise
    give labels that are silently absent or overlap. Targets whose source is off are named.
-#}
{% macro check_targets() -%}
    {{ return(adapter.dispatch('check_targets')()) }}
{%- endmacro %}

{% macro default__check_targets() -%}
    {%- if execute and flags.WHICH in ['build', 'run', 'test', 'seed', 'retry'] -%}
        {%- set seed = graph.nodes['seed.' ~ project_name ~ '.propensity_targets'] -%}
        {%- set file = seed.root_path ~ '/' ~ seed.original_file_path -%}
        {%- set rows = run_query(
            "select target, is_active, event, eligibility, measure, at_least, top_share,"
            ~ " horizon_days from read_csv('" ~ file | replace("'", "''")
            ~ "', header = true, all_varchar = true, nullstr = '', delim = ',',"
            ~ " quote = '\"', escape = '\"', strict_mode = false)"
        ) -%}
        {%- set problems, absent = [], [] -%}
        {%- for row in rows -%}
            {%- set problem = target_problem(row) -%}
            {%- if problem -%}
                {%- do problems.append('target ' ~ row.target ~ problem) -%}
            {%- elif row.is_active | lower == 'true' -%}
                {%- set needs = target_events()[row.event] + condition_sources()[row.eligibility] -%}
                {%- set missing = needs | reject('in', tables_switched_on(needs)) | unique | list -%}
                {%- if missing -%}
                    {%- do absent.append(row.target ~ ' (' ~ missing | join(', ') ~ ')') -%}
                {%- endif -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if problems -%}
            {{ exceptions.raise_compiler_error(
                seed.original_file_path ~ ': ' ~ problems | join('\n') ~ '\nNothing was written.'
            ) }}
        {%- endif -%}
        {%- if absent -%}
            {{ log('Targets left out, for their source is switched off: ' ~ absent | join(', '),
                   info=true) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- On Spark the data test targets_say_what_they_mean finds the same. -#}
{% macro spark__check_targets() -%}
{%- endmacro %}


{#- What is wrong with a row of the seed propensity_targets, in words; nothing when all is well. -#}
{% macro target_problem(row) -%}
    {%- set events, conditions = target_events(), target_conditions() -%}
    {%- set days = row.horizon_days | int(0) if row.horizon_days else var('horizon_days') -%}
    {%- if row.event not in events -%}
        {{ return(
            " names the event '" ~ row.event ~ "', which int_outcome_events does not have. Write one of "
            ~ events.keys() | join(', ') ~ '.'
        ) }}
    {%- elif row.eligibility not in conditions -%}
        {{ return(
            " names the condition '" ~ row.eligibility ~ "', which macros/targets.sql does not have. "
            ~ 'Write one of ' ~ conditions.keys() | join(', ')
            ~ ', or add it to vars target_conditions.'
        ) }}
    {%- elif row.measure not in ['count', 'amount'] -%}
        {{ return(" has the measure '" ~ row.measure ~ "'. Write count or amount.") }}
    {%- elif (row.at_least is none) == (row.top_share is none) -%}
        {{ return(' must have either at_least or top_share. Fill one of the two cells.') }}
    {%- elif days < 1 or days > var('horizon_days') -%}
        {{ return(
            ' has a horizon of ' ~ row.horizon_days ~ ' days, and cutoffs are '
            ~ var('horizon_days') ~ ' days apart (var horizon_days): label windows of neighbouring '
            ~ 'cutoffs would overlap. Write 1 to ' ~ var('horizon_days') ~ ', or nothing.'
        ) }}
    {%- endif -%}
{%- endmacro %}
