{#-
    Whether a value belongs to somebody who was forgotten: asked of the suppression list of the
    dataset (`segmentation forget`), which holds keyed hashes only. False for a null, and where
    there is no list. The functions come with the plugin that profiles.yml names; on Spark the session
    registers two of the same names, without which the build stops rather than let forgotten
    people in.

    Arguments:
        kind (string): `email`, `customer_id`, `phone_and_first_name` or `name_and_birth_date`.
        value (string): the value; for a pair see `joined_values`.
-#}
{% macro is_suppressed(kind, value) -%}
    {%- set raw_data = var('raw_data', env_var('RAW_DATA', 'data/demo')) -%}
    {%- set name = raw_data | replace("'", "''") -%}
    case
        when has_suppressions('{{ name }}')
            then is_suppressed(
                '{{ kind }}',
                {{ value }},
                '{{ name }}',
                {{ var('demo_secret_allowed', raw_data == 'data/demo') }}
            )
        else false
    end
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
    Whether a customer record is of somebody who was forgotten, by any of the four ways they are
    known again.

    Arguments:
        relation (string): alias of a relation with the columns of stg_crm__customers.
-#}
{% macro is_suppressed_customer(relation) -%}
    {%- set born = 'cast(' ~ relation ~ '.birth_on as string)' -%}
    (
        {{ is_suppressed('customer_id', relation ~ '.customer_id') }}
        or {{ is_suppressed('email', relation ~ '.email') }}
        or {{ is_suppressed(
            'phone_and_first_name',
            joined_values([relation ~ '.phone', relation ~ '.first_name'])
        ) }}
        or {{ is_suppressed(
            'name_and_birth_date',
            joined_values([relation ~ '.first_name', relation ~ '.last_name', born])
        ) }}
    )
{%- endmacro %}


{#-
    The moment before which rows of a table are past their retention: so many months before the
    latest of them, null where the seed gives none. One value, for a CTE of its own.

    Arguments:
        latest (string): the latest accepted moment of the table, an aggregate.
        months (string): months of retention, an aggregate.
-#}
{% macro kept_from(latest, months) -%}
    cast({{ dbt.dateadd('month', '-1 * ' ~ months, latest) }} as timestamp)
{%- endmacro %}
