-- One row per customer_key and as_of_date on which the segment of the main view changed.
with history as (

    select * from {{ ref('ml_segment_history') }}

),

-- Who objected within the day must not wait for the next reckoning of the history.
profiled as (

    select * from {{ ref('int_customer_permissions') }} where may_be_profiled

),

models as (

    select * from {{ ref('ml_segment_models') }} where is_chosen

),

models_of_main_view as (

    select distinct model_id from models where view = '{{ var("segmentation_view") }}'

),

-- What was remembered of another view, while it was the main one, is not shown.
models_of_others as (

    select distinct model_id from models
    where
        model_id not in (
            select models_of_main_view.model_id from models_of_main_view
            where models_of_main_view.model_id is not null
        )

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
    left join models_of_others on history.model_id = models_of_others.model_id
    cross join as_of
    where history.as_of_date <= as_of.as_of_date and models_of_others.model_id is null

)

select * from final
