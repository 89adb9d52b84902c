{#- Whether a group is too small to publish figures of; a group of nobody tells of nobody. -#}
{% macro is_under_floor(customers) -%}
    ({{ customers }} > 0 and {{ customers }} < {{ var('k_anonymity') }})
{%- endmacro %}


{#- A number of customers to the nearest multiple of the floor, so that differences tell nothing. -#}
{% macro rounded_to_floor(customers) -%}
    cast(round({{ customers }} / cast({{ var('k_anonymity') }} as double)) * {{ var('k_anonymity') }} as bigint)
{%- endmacro %}


{#-
    Whether the figures of a group are withheld: because it is under the floor, or because it would
    otherwise give away one that is. Where a whole and all of its groups but one are published, the
    one is a subtraction away. So the smallest groups go together: at least two, and together at
    least as many customers as the floor.

    Arguments:
        customers (string): customers of the group.
        partition (string): columns of the whole that the groups add up to.
        tiebreaker (string): unique key of a group within the whole.
-#}
{% macro is_withheld_among(customers, partition, tiebreaker) -%}
    (
        {{ customers }} > 0
        and max(case when {{ is_under_floor(customers) }} then 1 else 0 end)
            over (partition by {{ partition }}) = 1
        and (
            {{ customers }} < {{ var('k_anonymity') }}
            or row_number() over (
                partition by {{ partition }}
                order by
                    case when {{ customers }} > 0 then 0 else 1 end,
                    {{ customers }},
                    {{ tiebreaker }}
            ) <= 2
            or sum({{ customers }}) over (
                partition by {{ partition }}
                order by {{ customers }}, {{ tiebreaker }}
                rows between unbounded preceding and current row
            ) - {{ customers }} < {{ var('k_anonymity') }}
        )
    )
{%- endmacro %}
