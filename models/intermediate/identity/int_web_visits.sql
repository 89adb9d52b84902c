-- One row per visitor, session and login in it: what sessions are added up from.
{{- built_by_arrival('visitor_id') }}
with events as (

    select * from {{ ref('stg_web__events') }}
    where rejection_reason is null
    {{- only_written_since(ref('stg_web__events'), 'visitor_id') }}

),

with_previous as (

    select
        *,
        lag(event_at) over (
            partition by visitor_id order by event_at, event_id
        ) as previous_event_at
    from events

),

with_starts as (

    select
        *,
        previous_event_at is null
        or event_at
        >= {{ dbt.dateadd('minute', var('session_timeout_minutes'), 'previous_event_at') }}
            as is_session_start
    from with_previous

),

numbered as (

    select
        *,
        sum(case when is_session_start then 1 else 0 end) over (
            partition by visitor_id
            order by event_at, event_id
            rows between unbounded preceding and current row
        ) as session_number
    from with_starts

),

final as (

    select
        visitor_id,
        session_number,
        -- Null for the events of a session that were not logged in.
        customer_id,
        count(*) as events,
        count(*) filter (where event_name in ('page_view', 'view_product')) as page_views,
        count(*) filter (where event_name = 'view_product') as product_views,
        count(*) filter (where event_name = 'search') as searches,
        sum(cast(engagement_seconds as decimal(12, 3))) as engagement_seconds,
        bool_or(event_name in ('purchase', 'newsletter_signup')) as has_conversion,
        bool_or(event_name = 'add_to_cart') as has_cart,
        bool_or(event_name = 'purchase') as has_purchase,
        max(case when is_session_start then utm_source end) as utm_source,
        max(case when is_session_start then device end) as device,
        min(event_at) as started_at,
        max(event_at) as ended_at,
        {{ load_number() }} as loaded_in
    from numbered
    group by visitor_id, session_number, customer_id

)

select * from final
