{#-
    Whether a source table is switched on: neither its source (`crm`) nor the table itself
    (`crm.consents`) is `false` in `vars: sources`.

    Arguments:
        table (string): source and table, as `crm.consents`.
-#}
{% macro source_is_on(table) -%}
    {%- set switches = var('sources') or {} -%}
    {{ return(switches.get(table.split('.')[0], true) and switches.get(table, true)) }}
{%- endmacro %}


{#-
    What to select from for a source table: the table itself, or, when it is switched off, no rows
    with its declared columns and types.

    Arguments:
        relation (relation): what `source()` gave, so that the lineage stands either way.
        table (string): source and table, as `crm.consents`.
        read_by (string): only from files that this model has read; by default from those that were
            there when the load began.
-#}
{% macro source_rows(relation, table, read_by='') -%}
    {#- A unit test has no graph, and brings its own rows whatever is switched on. -#}
    {%- if source_is_on(table) or not (graph or {}).get('sources') -%}
        {%- set later = files_of_next_load(table, read_by) -%}
        {%- if later %}
        (
            select *, {{ path_of_row() }} from {{ relation }}
            where {{ path_of_row() }} not in (
                {%- for file in later %}{{ dbt.string_literal(file) }}{{ ", " if not loop.last }}{% endfor -%}
            )
        )
        {%- else -%}
        {{ relation }}
        {%- endif -%}
    {%- else -%}
        {%- set name = table.split('.') -%}
        (
        {%- for node in graph.sources.values()
            if node.source_name == name[0] and node.name == name[1] %}
            select
            {%- for column in node.columns.values() %}
                cast(null as {{ column.data_type }}) as {{ column.name }}{{ "," if not loop.last }}
            {%- endfor %}
            where 1 = 0
        {%- endfor %}
        ) as source_is_off
    {%- endif -%}
{%- endmacro %}


{#-
    An expression where its source tables are switched on, null where one is not: a source that is
    absent says nothing about a customer, and must not look like a customer who does nothing.

    Arguments:
        table (string): source and table, as `web.events`.
        expression (string): what to compute when the source is on.
        type (string): its type.
-#}
{% macro if_source_on(table, expression, type='double') -%}
    {%- if source_is_on(table) -%} {{ expression }} {%- else -%} cast(null as {{ type }}) {%- endif -%}
{%- endmacro %}


{#-
    The tables of the data contract: source and table, staging model, the key as text, and the raw
    columns that hold personal data (tagged in the sources' yml; a test compares).
-#}
{% macro contract_tables() -%}
    {{ return([
        {
            'table': 'crm.customers', 'model': 'stg_crm__customers', 'key': 'customer_id',
            'personal': [
                'customer_id', 'email', 'phone', 'first_name', 'last_name', 'address', 'postcode',
                'city', 'birth_date', 'household_income', 'social_handle',
            ],
        },
        {
            'table': 'crm.consents', 'model': 'stg_crm__consents', 'key': 'consent_event_id',
            'dated_by': 'recorded_at', 'personal': ['customer_id'],
        },
        {
            'table': 'crm.support_tickets', 'model': 'stg_crm__support_tickets', 'key': 'ticket_id',
            'dated_by': 'opened_at', 'personal': ['customer_id'],
        },
        {
            'table': 'crm.erasure_requests', 'model': 'stg_crm__erasure_requests',
            'key': 'request_id', 'dated_by': 'requested_at', 'personal': ['customer_id'],
        },
        {
            'table': 'shop.orders', 'model': 'stg_shop__orders', 'key': 'order_id',
            'dated_by': 'ordered_at', 'personal': ['customer_id', 'guest_email'],
        },
        {
            'table': 'shop.order_lines', 'model': 'stg_shop__order_lines',
            'key': "coalesce(order_id, '?') || '-' || coalesce(cast(line_number as string), '?')",
            'personal': [],
        },
        {
            'table': 'shop.products', 'model': 'stg_shop__products', 'key': 'product_id',
            'personal': [],
        },
        {
            'table': 'web.events', 'model': 'stg_web__events', 'key': 'event_id',
            'dated_by': 'event_at', 'personal': ['visitor_id', 'customer_id', 'page_url'],
        },
        {
            'table': 'email.campaigns', 'model': 'stg_email__campaigns', 'key': 'campaign_id',
            'dated_by': 'sent_at', 'personal': [],
        },
        {
            'table': 'email.events', 'model': 'stg_email__events', 'key': 'event_id',
            'dated_by': 'event_at', 'personal': ['customer_id'],
        },
        {
            'table': 'survey.responses', 'model': 'stg_survey__responses', 'key': 'response_id',
            'dated_by': 'answered_at', 'personal': ['customer_id'],
        },
        {
            'table': 'social.mentions', 'model': 'stg_social__mentions', 'key': 'mention_id',
            'dated_by': 'mentioned_at', 'personal': ['social_handle'],
        },
        {
            'table': 'external.area_statistics', 'model': 'stg_external__area_statistics',
            'key': "coalesce(country_code, '?') || '-' || coalesce(postcode_prefix, '?')",
            'personal': [],
        },
    ]) }}
{%- endmacro %}


{#- Where the rows of a source table come from: its file below the dataset, as declared. -#}
{% macro source_file(table) -%}
    {{ table | replace('.', '/') }}.{{ var('raw_format') }}
{%- endmacro %}


{#- The columns of a relation, one by one; see `pack_columns` for what becomes of them. -#}
{% macro select_columns(columns) -%}
    {{ columns | join(',\n        ') }}
{%- endmacro %}


{#-
    The order among rows of one key: by what is named first, then by every column as delivered, so
    that only rows equal to the letter can change places.

    Arguments:
        columns (list): every declared column of the table.
        first (list): expressions, each with its direction, that decide before them.
-#}
{% macro order_of_rows(columns, first=[]) -%}
    {%- for expression in first %}{{ expression }} nulls last, {% endfor -%}
    {{ columns | join(' asc nulls last, ') }} asc nulls last
{%- endmacro %}


{#- A date as delivered, where it is neither a date nor ISO text; null costs nothing. -#}
{% macro raw_date(value) -%}
    case when try_cast({{ value }} as timestamp) is null then {{ clean_text(value) }} end
{%- endmacro %}


{#- Hashes of the keys that several rows of the CTE `source` have. -#}
{% macro repeated_keys(key) -%}
    select {{ hash_of(key) }} as key_hash
    from source
    group by {{ hash_of(key) }}
    having count(*) > 1
{%- endmacro %}


{#-
    Rows of the CTE `source` with their number among those of one key. Only keys of the CTE
    `repeated` are put in order, for a window over all would carry every row of a large table to the
    disk and back; should two keys have one hash, the window tells them apart.

    Arguments:
        columns (list): every declared column of the table.
        key (list): expressions.
        first (list): see `order_of_rows`.
-#}
{% macro numbered_rows(columns, key, first) -%}
    select
        {{ select_columns(columns) }},
        source_file,
        row_number() over (
            partition by {{ key | join(', ') }}
            order by {{ order_of_rows(columns, first) }}
        ) as occurrence
    from source
    where {{ hash_of(key) }} in (select key_hash from repeated)

    union all

    select
        {{ select_columns(columns) }},
        source_file,
        cast(1 as bigint) as occurrence
    from source
    where {{ hash_of(key) }} not in (select key_hash from repeated)
{%- endmacro %}
