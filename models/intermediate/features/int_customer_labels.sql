-- One row per customer_key, cutoff and target the customer is eligible for: what happened next.
with customers as (

    select * from {{ ref('int_customer_features') }}

),

cutoffs as (

    select * from {{ ref('int_cutoffs') }}

),

events as (

    select * from {{ ref('int_outcome_events') }}

),

categories as (

    select * from {{ ref('int_categories_ranked') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

-- What a source that is off would tell is not known: its targets are absent, never all false.
targets as (

    select
        targets.target,
        targets.event,
        targets.measure,
        targets.at_least,
        targets.top_share,
        targets.happens,
        targets.eligibility,
        targets.category_rank,
        categories.category,
        coalesce(targets.horizon_days, {{ var('horizon_days') }}) as horizon_days
    from {{ ref('propensity_targets') }} as targets
    left join categories on targets.category_rank = categories.category_rank
    where
        targets.is_active
        and targets.event in ({{ names_fed(target_events()) }})
        and targets.eligibility in ({{ names_fed(condition_sources()) }})

),

windows as (

    select
        targets.*,
        cutoffs.cutoff_name,
        cutoffs.cutoff_on,
        {{ add_days('cutoffs.cutoff_on', 'targets.horizon_days') }} as label_ends_on
    from targets
    cross join cutoffs
    -- A category that nobody has bought yet is no target.
    where targets.category_rank is null or targets.category is not null

),

eligible as (

    select
        customers.customer_key,
        customers.may_be_profiled,
        customers.split,
        windows.*
    from customers
    inner join windows on customers.cutoff_name = windows.cutoff_name
    where
        case windows.eligibility
            {%- for name, entry in target_conditions().items() %}
            when '{{ name }}' then {{ entry.condition }}
            {%- endfor %}
        end

),

happened as (

    select
        events.customer_key,
        windows.cutoff_name,
        windows.target,
        sum(case windows.measure when 'count' then events.quantity else events.amount end)
            as measured,
        min(events.happened_on) as first_event_on
    from events
    inner join windows
        on
            events.event = windows.event
            and events.happened_on >= windows.cutoff_on
            and events.happened_on < windows.label_ends_on
    where windows.category is null or events.category = windows.category
    group by events.customer_key, windows.cutoff_name, windows.target

),

-- Equal amounts have equal ranks, so that a tie is never cut. Whoever may not be profiled has no
-- part in where the line among the others lies.
outcomes as (

    select
        eligible.*,
        coalesce(happened.measured, 0) as measured,
        happened.first_event_on,
        rank() over (
            partition by eligible.target, eligible.cutoff_name, eligible.may_be_profiled
            order by coalesce(happened.measured, 0) desc
        ) as place,
        count(*) over (
            partition by eligible.target, eligible.cutoff_name, eligible.may_be_profiled
        ) as customers
    from eligible
    left join happened
        on
            eligible.customer_key = happened.customer_key
            and eligible.cutoff_name = happened.cutoff_name
            and eligible.target = happened.target

),

judged as (

    select
        *,
        case
            when top_share is not null then measured > 0 and place <= top_share * customers
            else measured >= at_least
        end as is_reached
    from outcomes

),

-- Nothing is known of a window before it has closed.
final as (

    select
        judged.customer_key,
        judged.cutoff_name,
        judged.split,
        judged.cutoff_on,
        judged.target,
        case
            when judged.label_ends_on <= as_of.as_of_date then judged.is_reached = judged.happens
        end as label,
        judged.label_ends_on,
        judged.first_event_on
    from judged
    cross join as_of

)

select * from final
