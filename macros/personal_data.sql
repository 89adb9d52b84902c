{#-
    Whether a value belongs to somebody who was forgotten: asked of the suppression list of the
    dataset (`segmentation forget`), which holds keyed hashes only. False for a null, and where
    there is no list. The functions come with the plugin that profiles.yml names, on Spark with the
    adapter; without them the build stops rather than let forgotten people in.

    Arguments:
        kind (string): `email`, `customer_id`, `visitor_id`, `social_handle`,
            `phone_and_first_name` or `name_and_birth_date`.
        value (string): the value; for a pair see `joined_values`.
-#}
{% macro is_suppressed(kind, value) -%}
    {{ return(adapter.dispatch('is_suppressed')(kind, value)) }}
{%- endmacro %}

{% macro default__is_suppressed(kind, value) -%}
    {%- set raw_data = var('raw_data', env_var('RAW_DATA', 'data/demo')) -%}
    {%- set name = raw_data | replace("'", "''") -%}
    case
        when has_suppressions('{{ name }}')
            then is_suppressed(
                '{{ kind }}',
                cast({{ value }} as string),
                '{{ name }}',
                {{ var('demo_secret_allowed', raw_data == 'data/demo') }}
            )
        else false
    end
{%- endmacro %}

{#- Spark would call a function of Python for every row: it is written only where there is a list. -#}
{% macro spark__is_suppressed(kind, value) -%}
    {%- set raw_data = var('raw_data', env_var('RAW_DATA', 'data/demo')) -%}
    {%- if adapter.has_suppressions(
        raw_data, var('demo_secret_allowed', raw_data == 'data/demo')
    ) -%}
        is_suppressed('{{ kind }}', cast({{ value }} as string))
    {%- else -%}
        false
    {%- endif -%}
{%- endmacro %}


{#-
    Values that name a person together, for `is_suppressed`; null when one of them is.

    Arguments:
        columns (list): expressions, in the order that the kind asks for.
-#}
{% macro joined_values(columns) -%}
    {{ columns | join(" || chr(31) || ") }}
{%- endmacro %}


{#-
    Whether a row of stg_crm__customers is of somebody who was forgotten, by any of the four ways
    they are known again.

    Arguments:
        phone (string), birth_on (string): expressions; by default the columns of the model.
-#}
{% macro is_suppressed_customer(phone='phone', birth_on='birth_on') -%}
    {{ is_suppressed('customer_id', 'customer_id') }}
        or {{ is_suppressed('email', 'email') }}
        or {{ is_suppressed('phone_and_first_name', joined_values([phone, 'first_name'])) }}
        or {{ is_suppressed(
            'name_and_birth_date',
            joined_values(['first_name', 'last_name', 'cast(' ~ birth_on ~ ' as string)'])
        ) }}
{%- endmacro %}


{#- Columns of stg_crm__customers that say something of the person. -#}
{% macro customer_columns() -%}
    {{ return([
        'customer_id', 'email', 'email_raw', 'phone', 'phone_raw', 'phone_type', 'is_phone_valid',
        'first_name', 'first_name_raw', 'last_name', 'last_name_raw', 'address', 'address_raw',
        'postcode', 'postcode_raw', 'city', 'city_raw', 'country_raw', 'country_code', 'birth_on',
        'birth_on_raw', 'gender', 'gender_raw', 'profession', 'profession_raw', 'household_income',
        'household_income_raw', 'acquisition_channel', 'acquisition_channel_raw', 'social_handle',
        'social_handle_raw', 'created_at', 'created_at_raw', 'updated_at', 'updated_at_raw',
        'quality_flags',
    ]) }}
{%- endmacro %}


{#-
    The moment before which rows of a table are past their retention: so many months before the
    latest that can be true, null where the seed gives no months. An aggregate over the table and
    its row of the seed.

    Arguments:
        column (string): the raw column that dates a row.
-#}
{% macro kept_from(column) -%}
    cast({{ dbt.dateadd(
        'month', '-1 * max(retention.retention_months)', 'max(' ~ plausible_timestamp(column) ~ ')'
    ) }} as timestamp)
{%- endmacro %}


{#-
    `kept_from` of a raw table, from all its rows: of a model that is built by arrival those stored
    and those that are new. Reads the CTE `retention`.

    Arguments:
        relation (relation): what `source()` gave.
        table (string): source and table.
        column (string): the column that dates a row, raw and staged.
-#}
{% macro kept_since(relation, table, column) -%}
    select {{ kept_from('dated.' ~ column) }} as kept_from
    from (
        {%- if is_incremental() %}
        select {{ column }} from {{ this }}
        union all
        select {{ parse_timestamp(column) }} from {{ new_rows(relation, table) }} as arrived
        {%- else %}
        select {{ column }} from {{ source_rows(relation, table) }}
        {%- endif %}
    ) as dated
    cross join retention
{%- endmacro %}


{#-
    The rows of a staging model as they may be kept: of somebody who was forgotten nothing personal
    and no raw row, whatever else is wrong with it; and set aside what is past its retention, after
    every other reason. Reads the CTEs `retention` and `staged`, and `source` where no
    `since` is given.

    Arguments:
        date_column (string): the column that dates a row, raw and staged.
        personal (list): columns that are emptied in a row of somebody who was forgotten.
        forgotten (string): whether a row is; nobody's where it is not given.
        is_kept (boolean): whether such a row counts on without its person, as a sale does.
        since (string): a query for `kept_from`, see `kept_since`.
        number (string): a key among the emptied columns: rows that lose it are numbered anew.
-#}
{% macro guarded_rows(date_column, personal=[], forgotten='1 = 0', is_kept=false, number=none, since=none) -%}
    {%- set computed = ['rejection_reason', 'raw_row', 'is_forgotten'] -%}
    select
        {{ all_but_of('asked', personal + computed + (['occurrence'] if number else [])) }},
        {%- for column in personal %}
        case when not asked.is_forgotten then asked.{{ column }} end as {{ column }},
        {%- endfor %}
        {%- if number %}
        case
            when asked.{{ number }} is not null and not asked.is_forgotten then asked.occurrence
            else row_number() over (
                partition by asked.{{ number }} is null or asked.is_forgotten
                order by asked.{{ number }} asc nulls first, asked.occurrence asc
            )
        end as occurrence,
        {%- endif %}
        case
            {%- if not is_kept %}
            when asked.is_forgotten then 'suppressed'
            {%- endif %}
            when asked.rejection_reason is not null then asked.rejection_reason
            when asked.{{ date_column }} < kept_since.kept_from then 'past_retention'
        end as rejection_reason,
        case when not asked.is_forgotten then asked.raw_row end as raw_row
    from (select *, {{ forgotten }} as is_forgotten from staged) as asked
    cross join (
        {%- if since %}
        {{ since }}
        {%- else %}
        select {{ kept_from('source.' ~ date_column) }} as kept_from
        from source
        cross join retention
        {%- endif %}
    ) as kept_since
{%- endmacro %}
