-- One row per as_of_date, segment before, segment after and cause.
with history as (

    select * from {{ ref('segment_history') }}

),

-- Every run has its rows, also one in which nobody moved; none before the view was the main one.
dates as (

    select
        models.as_of_date,
        false as is_backcast
    from {{ ref('ml_segment_models') }} as models
    cross join {{ ref('int_as_of_date') }} as as_of
    where
        models.is_chosen
        and models.view = '{{ var("segmentation_view") }}'
        and models.as_of_date <= as_of.as_of_date
        and models.as_of_date >= (select min(history.as_of_date) from history)
    union all
    select
        as_of_date,
        true as is_backcast
    from history
    where is_backcast

),

runs as (

    select
        as_of_date,
        lag(as_of_date) over (order by as_of_date) as previous_as_of_date,
        coalesce(lag(bool_and(is_backcast)) over (order by as_of_date), false) as is_backcast
    from dates
    group by as_of_date

),

-- Segment 0: no segment, because nothing was bought (yet).
explained as (

    select
        as_of_date,
        coalesce(previous_segment_id, 0) as from_segment_id,
        coalesce(segment_id, 0) as to_segment_id,
        coalesce(
            cause, case when previous_segment_id is null then 'customer' else 'unknown' end
        ) as cause
    from history
    where changed_level = 'segment'

),

moves as (

    select
        as_of_date,
        from_segment_id,
        to_segment_id,
        cause,
        count(*) as customers
    from explained
    group by as_of_date, from_segment_id, to_segment_id, cause

),

flows as (

    select
        as_of_date,
        to_segment_id as segment_id,
        customers,
        0 as leavers
    from moves
    union all
    select
        as_of_date,
        from_segment_id as segment_id,
        -customers as customers,
        customers as leavers
    from moves

),

-- Who was there at the run before and did not move; so many need no row of their own in history.
stayers as (

    select
        runs.as_of_date,
        flows.segment_id as from_segment_id,
        flows.segment_id as to_segment_id,
        'none' as cause,
        sum(
            case
                when flows.as_of_date < runs.as_of_date then flows.customers
                else -flows.leavers
            end
        ) as customers
    from runs
    inner join flows on runs.as_of_date >= flows.as_of_date
    where flows.segment_id <> 0
    group by runs.as_of_date, flows.segment_id

),

together as (

    select * from moves
    union all
    select * from stayers where customers > 0

),

-- A flow of few is withheld, and the others are rounded, so that it is no subtraction away.
protected as (

    select
        *,
        {{ is_under_floor('customers') }} as is_withheld,
        sum(customers) over (partition by as_of_date, from_segment_id) as customers_before
    from together

),

final as (

    select
        protected.as_of_date,
        runs.previous_as_of_date,
        protected.from_segment_id,
        protected.to_segment_id,
        protected.cause,
        case
            when not protected.is_withheld then {{ rounded_to_floor('protected.customers') }}
        end as customers,
        case
            when not protected.is_withheld
                then
                    {{ rounded_to_floor('protected.customers') }}
                    / cast({{ rounded_to_floor('protected.customers_before') }} as double)
        end as share,
        runs.is_backcast,
        protected.is_withheld
    from protected
    inner join runs on protected.as_of_date = runs.as_of_date
    where runs.previous_as_of_date is not null

)

select * from final
