-- One row per customer_key and as_of_date on which the segment of the main view changed.
with history as (

    select * from {{ ref('ml_segment_history') }}

),

-- Who objected within the day must not wait for the next reckoning of the history.
profiled as (

    select * from {{ ref('int_customer_permissions') }} where may_be_profiled

),

runs as (

    select * from {{ ref('ml_segment_models') }}
    where view = '{{ var("segmentation_view") }}' and is_chosen

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

final as (

    select
        history.customer_key,
        history.as_of_date,
        history.segment_id,
        history.sub_segment_id,
        history.micro_segment_id,
        lag(history.segment_id) over (
            partition by history.customer_key order by history.as_of_date
        ) as previous_segment_id,
        lag(history.sub_segment_id) over (
            partition by history.customer_key order by history.as_of_date
        ) as previous_sub_segment_id,
        lag(history.micro_segment_id) over (
            partition by history.customer_key order by history.as_of_date
        ) as previous_micro_segment_id,
        history.change_type,
        history.changed_level,
        history.cause,
        history.model_id,
        history.is_backcast
    from history
    inner join profiled on history.customer_key = profiled.customer_key
    cross join as_of
    -- What was remembered of another view, while it was the main one, is not shown.
    where
        history.as_of_date <= as_of.as_of_date
        and not {{ is_of_another_view('history.model_id') }}

)

select * from final
