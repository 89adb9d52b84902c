{#- The level that a sub- or micro-segment is a part of; null for a segment. -#}
{% macro level_above(level) -%}
    case {{ level }} when 'sub_segment' then 'segment' when 'micro_segment' then 'sub_segment' end
{%- endmacro %}


{#- A stage of life in French. -#}
{% macro lifecycle_fr(lifecycle) -%}
    case {{ lifecycle }}
        when 'new' then 'nouveau'
        when 'active' then 'actif'
        when 'cooling' then 'tiède'
        when 'inactive' then 'inactif'
    end
{%- endmacro %}
