{#-
    Margin over revenue of the lines whose cost is known; null where those are too little of the
    customer's net revenue to speak for the rest (`vars: least_costed_share`).

    net_revenue, costed_revenue, costed_margin: sums over the same lines.
-#}
{% macro margin_rate_of(net_revenue, costed_revenue, costed_margin) -%}
    case
            when
                {{ net_revenue }} > 0
                and {{ costed_revenue }} > 0
                and {{ costed_revenue }} >= {{ var('least_costed_share') }} * {{ net_revenue }}
                then {{ costed_margin }} / cast({{ costed_revenue }} as double)
        end
{%- endmacro %}


{#- An amount to the nearest cent; `round` of a double takes a half to another side in Spark. -#}
{% macro to_cents(amount) -%}
    floor(({{ amount }}) * 100 + cast(0.5 as double)) / cast(100 as double)
{%- endmacro %}
