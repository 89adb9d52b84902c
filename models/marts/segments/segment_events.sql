-- One row per view, as_of_date, segment level, segment, event and other segment.
with events as (

    select * from {{ ref('ml_segment_events') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

-- A share of few, or all but a few, tells of them; so it is one of rounded numbers.
protected as (

    select
        *,
        {{ rounded_to_floor('shared_customers') }} as rounded_shared,
        {{ rounded_to_floor('shared_customers / nullif(overlap, 0)') }} as rounded_whole,
        {{ is_under_floor('customers') }}
        or {{ is_under_floor('coalesce(shared_customers, 0)') }}
        or {{ is_under_floor('customers - coalesce(shared_customers, customers)') }} as is_withheld
    from events

),

final as (

    select
        protected.view as segment_view,
        protected.as_of_date,
        protected.level as segment_level,
        protected.segment_id,
        protected.event,
        protected.other_segment_id,
        case
            when not protected.is_withheld
                then protected.rounded_shared / cast(protected.rounded_whole as double)
        end as overlap,
        protected.is_withheld
    from protected
    cross join as_of
    where protected.as_of_date <= as_of.as_of_date

)

select * from final
