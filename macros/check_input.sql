{#- Before anything is written: the files of every switched-on source, against what is declared. -#}
{% macro check_input() -%}
    {{ return(adapter.dispatch('check_input')()) }}
{%- endmacro %}

{% macro default__check_input() -%}
{%- endmacro %}
