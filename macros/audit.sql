{#-
    The columns of a source table that the distribution audit profiles: those declared in its source
    and staged under the same name, but no key, no personal data.

    Arguments:
        table (string): source and table, as `crm.consents`.
        model (string): its staging model.

    Returns a list of {name, kind}; kind is number, date or text. A column is a date when its name
    says so (`_at`, `_on`), for dates may come in as text.
-#}
{% macro audited_columns(table, model) -%}
    {%- set columns = [] -%}
    {%- set nodes = (graph or {}).get('nodes', {}).values() -%}
    {%- set found = nodes | selectattr('name', 'equalto', model) | list -%}
    {%- set staged = found[0].columns if found else {} -%}
    {%- for node in (graph or {}).get('sources', {}).values()
        if node.source_name ~ '.' ~ node.name == table -%}
        {%- for column in node.columns.values() -%}
            {#- A country is staged as the code it stands for. -#}
            {%- set name = 'country_code' if column.name == 'country' else column.name -%}
            {%- set meta = column.get('config', {}).get('meta') or column.meta or {} -%}
            {%- set is_key = name.endswith('_id') or name in ['line_number', 'postcode_prefix'] -%}
            {%- if name in staged and not meta.get('pii') and not is_key -%}
                {%- if name.endswith('_at') or name.endswith('_on') -%}
                    {%- set kind = 'date' -%}
                {%- elif column.data_type in ['integer', 'bigint', 'double'] -%}
                    {%- set kind = 'number' -%}
                {%- else -%}
                    {%- set kind = 'text' -%}
                {%- endif -%}
                {%- do columns.append({'name': name, 'kind': kind}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(columns | sort(attribute='name')) }}
{%- endmacro %}


{#-
    Number of the bucket a number lies in, the same in every load: quarter octaves of its absolute
    value with its sign, so that a bucket ends 19 % above its start; 0 for what is nearly zero.
-#}
{% macro size_bucket(number) -%}
    case
        when abs({{ number }}) < 0.001 then 0
        else
            sign({{ number }})
            {#- The small term keeps powers of two, whose logarithm is rounded, in their bucket. #}
            * (floor(4 * ln(abs({{ number }})) / ln(2) + 0.000001) + 41)
    end
{%- endmacro %}


{#-
    Rows of a table or group that are profiled: all of a small one, of a larger one those with the
    smallest hash of their key, a quarter, a sixteenth and so on, so that every load draws the same
    rows.

    Arguments:
        key (string): the key as text.
        group_rows (string): rows of the table or group.
        most (int): rows up to which all are profiled.
-#}
{% macro is_profiled(key, group_rows, most) -%}
    case
        when {{ group_rows }} <= {{ most }} then true
        else
            md5({{ key }}) < case
                when {{ group_rows }} <= 4 * {{ most }} then '4'
                when {{ group_rows }} <= 16 * {{ most }} then '1'
                when {{ group_rows }} <= 64 * {{ most }} then '04'
                when {{ group_rows }} <= 256 * {{ most }} then '01'
                else '001'
            end
    end
{%- endmacro %}


{#-
    The value of the column that `listed.column_name` names, null when it is of another kind.

    Arguments:
        columns (list): of audited_columns.
        kinds (list): kinds wanted; a date becomes the days from it to the as-of date.
        unused (string): a literal of the type, for a table that has no such column.
-#}
{% macro listed_value(columns, kinds, unused) -%}
    case listed.column_name
        {%- for column in columns if column.kind in kinds %}
        when '{{ column.name }}' then
            {%- set value = 'drawn.' ~ column.name -%}
            {%- if column.kind == 'date' %}
            cast({{ days_between('cast(' ~ value ~ ' as date)', 'as_of.as_of_date') }} as double)
            {%- else %}
            cast({{ value }} as {{ 'double' if column.kind == 'number' else 'string' }})
            {%- endif %}
        {%- endfor %}
        when '' then {{ unused }}
    end
{%- endmacro %}


{#-
    One figure of each table or column as rows of the profile.

    Arguments:
        measure (string): its name.
        value (string): the expression.
        relation (string): what to select from.
        table, column (string): expressions for source table and column.
-#}
{% macro profile_rows(measure, value, relation, table='source_table', column='column_name') -%}
    select
        {{ table }} as source_table,
        {{ column }} as column_name,
        '{{ measure }}' as measure,
        '' as bucket,
        {{ value }} as bucket_rows
    from {{ relation }}
{%- endmacro %}


{#-
    The χ² quantile that lies as far out as the normal value z (Wilson and Hilferty 1931), as both
    engines can compute it.
-#}
{% macro chi_square_quantile(degrees, z) -%}
    {{ degrees }} * power(
        1 - 2 / (9.0 * {{ degrees }}) + {{ z }} * sqrt(2 / (9.0 * {{ degrees }})), 3
    )
{%- endmacro %}


{#- A figure for a sentence: whole from a hundred on, else with three decimals. -#}
{% macro in_words(number) -%}
    case
        when abs({{ number }}) >= 100 then cast(cast(round({{ number }}) as bigint) as string)
        else cast(cast(round({{ number }}, 3) as double) as string)
    end
{%- endmacro %}


{#- Whether a category of this many expected rows could not have stayed below the least shown. -#}
{% macro is_visible(expected_rows) -%}
    {{ expected_rows }} - {{ var('audit_z') }} * sqrt({{ expected_rows }})
    > {{ var('audit_least_rows') }}
{%- endmacro %}


{#- After a build: one warning for each thing that moved since the last load, the worst first. -#}
{% macro warn_of_moves(results) -%}
    {%- set built = [] -%}
    {%- for result in results or []
        if result.node.name == 'quality_audit' and result.status | string == 'success' -%}
        {%- do built.append(result.node.relation_name) -%}
    {%- endfor -%}
    {%- if execute and built -%}
        {%- set query -%}
            select finding
            from {{ built[0] }}
            where verdict in ('out_of_range', 'major', 'moderate')
            order by
                case verdict when 'out_of_range' then 1 when 'major' then 2 else 3 end,
                source_name, table_name, column_name, measure
        {%- endset -%}
        {%- set findings = run_query(query).columns[0].values() -%}
        {%- for finding in findings[:10] -%}
            {%- do exceptions.warn('WARNING: since the last load, ' ~ finding) -%}
        {%- endfor -%}
        {%- if findings | length > 10 -%}
            {%- do exceptions.warn('WARNING: and ' ~ (findings | length - 10) ~ ' more, in the table quality_audit') -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
