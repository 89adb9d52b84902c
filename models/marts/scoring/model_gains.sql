-- One row per target and tenth of the customers, most likely first: what it held and earned.
with gains as (

    select
        *,
        {{ is_under_floor('customers') }} as is_withheld
    from {{ ref('ml_propensity_gains') }}

),

final as (

    select
        target,
        model_id,
        decile,
        {%- for figure in [
            'customers', 'hits', 'expected_hits', 'rate', 'rate_ci_low', 'rate_ci_high',
            'lift', 'lift_ci_low', 'lift_ci_high', 'cumulative_gain',
            'cumulative_gain_ci_low', 'cumulative_gain_ci_high', 'cumulative_lift',
            'least_probability', 'expected_profit', 'actual_profit',
            'cumulative_expected_profit', 'cumulative_actual_profit',
            'cumulative_actual_profit_ci_low', 'cumulative_actual_profit_ci_high'
        ] %}
        case when not is_withheld then {{ figure }} end as {{ figure }},
        {%- endfor %}
        is_withheld
    from gains

)

select * from final
