{#-
    Takes the champion of a target back: in its latest run the champion before it, or the one
    named, is champion again. The model taken back is marked and is not promoted by itself again.
    No row is lost, and the next build scores with the restored model.

        dbt run-operation rollback_model --args '{target: purchase}'
        dbt run-operation rollback_model --args '{target: purchase, model_id: 0123456789abcdef}'

    Arguments:
        target (string): a target of the seed propensity_targets.
        model_id (string): model to go to; by default the last other champion that was not itself
            taken back. Naming a model that was taken back lifts its mark.
-#}
{% macro rollback_model(target, model_id=none) -%}
    {%- if execute -%}
        {%- set node = graph.nodes['model.' ~ project_name ~ '.ml_propensity_models'] -%}
        {%- set table = adapter.get_relation(node.database, node.schema, node.alias) -%}
        {%- if table is none -%}
            {{ exceptions.raise_compiler_error(
                'There is no ' ~ node.schema ~ '.' ~ node.alias ~ ' yet, and so no model to take back: '
                ~ 'build first.'
            ) }}
        {%- endif -%}
        {%- set now = rollback_champion(table, target) -%}
        {%- set then = rollback_successor(table, target, now, model_id) -%}
        {%- do note_change() -%}
        {%- do rewrite_memory(table, rolled_back(table, target, now, then)) -%}
        {%- do log(
            'Target ' ~ target ~ ': model ' ~ then ~ ' is champion again, ' ~ now.model_id
            ~ ' is withdrawn. The next build scores with it; the scores there are were made before.',
            info=true
        ) -%}
    {%- endif -%}
{%- endmacro %}


{#- The champion of the latest run of a target, and the date of that run. -#}
{% macro rollback_champion(table, target) -%}
    {%- set query -%}
        select model_id, cast(as_of_date as string) as as_of_date
        from {{ table }}
        where
            target = {{ dbt.string_literal(dbt.escape_single_quotes(target)) }}
            and is_champion
        order by as_of_date desc, model_id
        limit 1
    {%- endset -%}
    {%- set found = run_query(query).rows -%}
    {%- if not found -%}
        {%- set known = run_query('select distinct target from ' ~ table ~ ' order by target') -%}
        {{ exceptions.raise_compiler_error(
            'The target ' ~ target ~ ' has no champion to take back. Targets with one: '
            ~ (known.columns[0].values() | join(', ') or 'none') ~ '.'
        ) }}
    {%- endif -%}
    {{ return({'model_id': found[0][0], 'as_of_date': found[0][1]}) }}
{%- endmacro %}


{#- The model to go back to. -#}
{% macro rollback_successor(table, target, now, model_id) -%}
    {%- set quoted = dbt.string_literal(dbt.escape_single_quotes(target)) -%}
    {%- set stored -%}
        select
            model_id,
            max(case when is_champion then as_of_date end) as champion_until,
            max(case when role = 'withdrawn' then as_of_date end) as withdrawn_on,
            max(case when artefact is not null then as_of_date end) as stored_on
        from {{ table }}
        where
            target = {{ quoted }}
            and model_id <> '{{ now.model_id }}'
            and as_of_date <= cast('{{ now.as_of_date }}' as date)
        group by model_id
    {%- endset -%}
    {%- set query -%}
        with stored as ({{ stored }})
        select model_id
        from stored
        where
            stored_on is not null
            {%- if model_id %}
            and model_id = {{ dbt.string_literal(dbt.escape_single_quotes(model_id)) }}
            {%- else %}
            and champion_until is not null
            and (withdrawn_on is null or withdrawn_on < champion_until)
            {%- endif %}
        order by champion_until desc, model_id
        limit 1
    {%- endset -%}
    {%- set found = run_query(query).rows -%}
    {%- if not found -%}
        {%- set others = run_query(
            'with stored as (' ~ stored ~ ') select model_id from stored '
            ~ 'where stored_on is not null order by stored_on desc, model_id'
        ).columns[0].values() -%}
        {{ exceptions.raise_compiler_error(
            (
                'The model ' ~ model_id ~ ' of the target ' ~ target ~ (
                    ' is the champion already.' if model_id == now.model_id
                    else ' is not stored, or not with what it takes to score.'
                ) if model_id else
                'The target ' ~ target ~ ' has no champion before ' ~ now.model_id ~ ' to go back to.'
            ) ~ ' Other models that are stored and can be named with model_id: '
            ~ (others | join(', ') or 'none') ~ '. Nothing was changed.'
        ) }}
    {%- endif -%}
    {{ return(found[0][0]) }}
{%- endmacro %}


{#- What the registry holds after a rollback. -#}
{% macro rolled_back(table, target, now, then) -%}
    {%- set date = "cast('" ~ now.as_of_date ~ "' as date)" -%}
    {%- set of_target = 'target = ' ~ dbt.string_literal(dbt.escape_single_quotes(target)) -%}
    {%- set in_run = of_target ~ ' and as_of_date = ' ~ date -%}
    {%- set is_taken_back = in_run ~ " and model_id = '" ~ now.model_id ~ "'" -%}
    {%- set taken_back = {
        'role': "'withdrawn'",
        'is_champion': 'false',
        'retired_on': date,
        'reason': "'withdrawn by rollback_model, " ~ then ~ " is champion again; ' || reason",
    } -%}
    {%- set restored = {
        'as_of_date': date,
        'role': "'champion'",
        'is_champion': 'true',
        'decision': "'rolled_back'",
        'decision_reason': "'rollback_model took " ~ now.model_id ~ " back'",
        'reason': "'champion by rollback_model: " ~ now.model_id ~ " was taken back'",
        'promoted_on': 'coalesce(promoted_on, ' ~ date ~ ')',
        'retired_on': 'cast(null as date)',
    } -%}
    {%- set columns = adapter.get_columns_in_relation(table) | map(attribute='name') | list %}
    with remembered as (

        select * from {{ table }}

    ),

    latest as (

        select
            *,
            row_number() over (order by as_of_date desc, target, model_id) as age
        from remembered
        where
            {{ of_target }}
            and model_id = '{{ then }}'
            and artefact is not null
            and as_of_date <= {{ date }}

    )

    select
        {%- for column in columns %}
        {%- if column in taken_back %}
        case
            when {{ is_taken_back }} then {{ taken_back[column] }}
            else {{ column }}
        end as {{ column }}
        {%- else %}
        {{ column }}
        {%- endif %}
        {{- "," if not loop.last }}
        {%- endfor %}
    from remembered
    where not ({{ in_run }} and model_id = '{{ then }}')

    union all

    select
        {%- for column in columns %}
        {{ restored.get(column, column) }} as {{ column }}{{ "," if not loop.last }}
        {%- endfor %}
    from latest
    where age = 1
{%- endmacro %}
