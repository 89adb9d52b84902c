-- One row per web session: events of one visitor with less than the time-out between them.
with events as (

    select * from {{ ref('stg_web__events') }} where rejection_reason is null

),

visitors as (

    select * from {{ ref('int_visitors_linked') }}

),

identities as (

    select * from {{ ref('ml_customer_identities') }}

),

-- Two ids of one person are one login.
with_people as (

    select
        events.*,
        identities.customer_key
    from events
    left join identities on 'id:' || events.customer_id = identities.record_id

),

with_previous as (

    select
        *,
        lag(event_at) over (
            partition by visitor_id order by event_at, event_id
        ) as previous_event_at
    from with_people

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

grouped as (

    select
        visitor_id,
        session_number,
        case when count(distinct customer_key) = 1 then min(customer_key) end as customer_key,
        count(distinct customer_key) as people,
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
        max(event_at) as ended_at
    from numbered
    group by visitor_id, session_number

),

final as (

    select
        grouped.visitor_id || '-' || cast(grouped.session_number as string) as session_id,
        grouped.visitor_id,
        grouped.session_number,
        -- The login of the session itself comes first; without one, the owner of the cookie.
        case
            when grouped.people > 0 then grouped.customer_key else visitors.customer_key
        end as customer_key,
        grouped.utm_source,
        grouped.device,
        grouped.events,
        grouped.page_views,
        grouped.product_views,
        grouped.searches,
        grouped.engagement_seconds,
        grouped.has_conversion,
        grouped.has_cart,
        grouped.has_purchase,
        grouped.engagement_seconds > {{ var('engaged_session_seconds') }}
        or grouped.has_conversion
        or grouped.page_views >= 2 as is_engaged,
        grouped.started_at,
        grouped.ended_at,
        -- A session before the first login is credited from that login on, no earlier.
        case
            when grouped.people = 0
                then greatest(grouped.ended_at, coalesce(visitors.linked_at, grouped.ended_at))
            else grouped.ended_at
        end as known_at
    from grouped
    left join visitors on grouped.visitor_id = visitors.visitor_id

)

select * from final
