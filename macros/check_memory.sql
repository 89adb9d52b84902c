{#-
    Before anything is written: what segments and models remember must have the columns of today. A table
    of an older version is not dropped by itself: it is memory, and nothing can build it again.
-#}
{% macro check_memory() -%}
    {%- if execute and flags.WHICH in ['build', 'run', 'retry'] -%}
        {%- for name in [
            'ml_segment_models', 'ml_segment_names', 'ml_propensity_models', 'ml_value_models',
            'ml_feature_distributions'
        ] -%}
            {%- set node = graph.nodes['model.' ~ project_name ~ '.' ~ name] -%}
            {%- set stored = adapter.get_relation(node.database, node.schema, node.alias) -%}
            {%- if stored is not none -%}
                {%- set present = adapter.get_columns_in_relation(stored)
                    | map(attribute='name') | map('lower') | list -%}
                {%- set missing = node.columns.keys() | reject('in', present) | list -%}
                {%- if missing -%}
                    {{ exceptions.raise_compiler_error(
                        'The table ' ~ node.schema ~ '.' ~ node.alias ~ ' of this warehouse is of '
                        ~ 'an older version, without ' ~ missing[:3] | join(', ')
                        ~ (' and ' ~ (missing | length - 3) ~ ' more columns' if missing | length > 3 else '')
                        ~ '. What it remembers cannot be continued: drop it once ('
                        ~ 'drop table ' ~ node.schema ~ '.' ~ node.alias
                        ~ ') and build again. Nothing was written.'
                    ) }}
                {%- endif -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
