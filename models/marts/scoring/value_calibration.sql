-- One row per model and group of repeat purchases: purchases after the test cutoff, and expected.
with calibration as (

    select * from {{ ref('ml_value_calibration') }}

),

guarded as (

    select
        *,
        {{ is_withheld_among('customers', 'model', 'frequency_group') }} as is_withheld
    from calibration

),

final as (

    select
        model,
        frequency_group,
        frequency_label,
        case when not is_withheld then customers end as customers,
        case when not is_withheld then actual_purchases end as actual_purchases,
        case when not is_withheld then actual_low end as actual_low,
        case when not is_withheld then actual_high end as actual_high,
        case when not is_withheld then expected_purchases end as expected_purchases
    from guarded

)

select * from final
