{#-
    One database file holds one dataset, so a folder's schema is used as it is written:
    `marts`, not `main_marts`.
-#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
