-- One row per segment, right attribute and its value: how many are both, and how many by chance.
with customers as (

    select * from {{ ref('customer_segments') }} where segment_id > 0

),

crossed as (

    select
        segment_id,
        segment,
        segment_fr,
        'rfm_segment' as right_attribute,
        rfm_segment as right_value,
        rfm_segment_fr as right_value_fr
    from customers

    union all

    select
        segment_id,
        segment,
        segment_fr,
        'lifecycle' as right_attribute,
        lifecycle as right_value,
        {{ lifecycle_fr('lifecycle') }} as right_value_fr
    from customers

    union all

    select
        segment_id,
        segment,
        segment_fr,
        'rfm_segment_and_lifecycle' as right_attribute,
        rfm_segment || ', ' || lifecycle as right_value,
        rfm_segment_fr || ', ' || {{ lifecycle_fr('lifecycle') }} as right_value_fr
    from customers

),

counted as (

    select
        segment_id,
        segment,
        segment_fr,
        right_attribute,
        right_value,
        right_value_fr,
        count(*) as customers
    from crossed
    group by segment_id, segment, segment_fr, right_attribute, right_value, right_value_fr

),

-- Where nobody is both, the count is 0, and that is a finding.
lefts as (

    select distinct
        segment_id,
        segment,
        segment_fr,
        right_attribute
    from counted

),

rights as (

    select distinct
        right_attribute,
        right_value,
        right_value_fr
    from counted

),

filled as (

    select
        lefts.segment_id,
        lefts.segment,
        lefts.segment_fr,
        rights.right_attribute,
        rights.right_value,
        rights.right_value_fr,
        coalesce(counted.customers, 0) as customers
    from lefts
    inner join rights on lefts.right_attribute = rights.right_attribute
    left join counted
        on
            lefts.segment_id = counted.segment_id
            and rights.right_attribute = counted.right_attribute
            and rights.right_value = counted.right_value

),

-- A line adds up to the segment, a column to the value, and two attributes to the one of both: a
-- cell of few is withheld, and all else is rounded, so that it is no subtraction away.
protected as (

    select
        *,
        {{ rounded_to_floor('customers') }} as cell,
        {{ rounded_to_floor('sum(customers) over (partition by right_attribute, segment_id)') }}
            as left_customers,
        {{ rounded_to_floor('sum(customers) over (partition by right_attribute, right_value)') }}
            as right_customers,
        {{ rounded_to_floor('sum(customers) over (partition by right_attribute)') }}
            as all_customers,
        {{ is_under_floor('customers') }} as is_withheld
    from filled

),

compared as (

    select
        *,
        left_customers * right_customers / nullif(cast(all_customers as double), 0) as expected
    from protected

),

final as (

    select
        'segment' as left_attribute,
        segment_id as left_segment_id,
        segment as left_value,
        segment_fr as left_value_fr,
        right_attribute,
        right_value,
        right_value_fr,
        case when not is_withheld then cell end as customers,
        case when not is_withheld then cell / nullif(cast(left_customers as double), 0) end
            as share_of_left,
        case when not is_withheld then cell / nullif(cast(right_customers as double), 0) end
            as share_of_right,
        case when not is_withheld then expected end as expected_customers,
        case when not is_withheld then 100 * cell / nullif(expected, 0) end
            as index_vs_expected,
        case
            when not is_withheld
                then
                    (cell - expected)
                    / nullif(
                        sqrt(
                            expected
                            * greatest(1 - left_customers / cast(all_customers as double), 0)
                            * greatest(1 - right_customers / cast(all_customers as double), 0)
                        ),
                        0
                    )
        end as standardised_residual,
        coalesce(expected < 5, true) as is_expected_small,
        is_withheld
    from compared

)

select * from final
