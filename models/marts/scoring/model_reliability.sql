-- One row per target and bin of probabilities: predicted against actual, at the test cutoff.
with reliability as (

    select
        *,
        {{ is_withheld_among('customers', 'target', 'bin') }} as is_withheld
    from {{ ref('ml_propensity_reliability') }}

),

final as (

    select
        target,
        model_id,
        bin,
        {%- for figure in [
            'customers', 'probability_low', 'probability_high', 'predicted', 'hits', 'actual',
            'ci_low', 'ci_high', 'gap'
        ] %}
        case when not is_withheld then {{ figure }} end as {{ figure }},
        {%- endfor %}
        not is_withheld and is_off as is_off,
        is_withheld
    from reliability

)

select * from final
