-- One row per target and percent contacted, most likely first: what it would have earned.
with profits as (

    select * from {{ ref('ml_propensity_profits') }}

),

-- The difference of two points next to each other tells of the customers between them.
stepped as (

    select
        *,
        max(customers) over (partition by target)
        / cast(nullif(count(*) over (partition by target) - 1, 0) as double) as step_customers
    from profits

),

marked as (

    select
        *,
        {{ is_under_floor('step_customers') }} as is_withheld
    from stepped

),

final as (

    select
        target,
        model_id,
        percent,
        {%- for figure in [
            'customers', 'hits', 'gain', 'least_probability', 'expected_profit', 'actual_profit',
            'actual_profit_ci_low', 'actual_profit_ci_high'
        ] %}
        case when not is_withheld then {{ figure }} end as {{ figure }},
        {%- endfor %}
        not is_withheld and is_worthwhile as is_worthwhile,
        not is_withheld and is_best as is_best,
        is_withheld
    from marked

)

select * from final
