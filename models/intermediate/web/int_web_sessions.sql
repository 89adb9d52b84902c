-- One row per web session: events of one visitor with less than the time-out between them.
{{- config(meta={'rows_of': 'int_web_visits', 'parts_by': 'visitor_id'}) }}
with visits as (

    select * from {{ ref('int_web_visits') }}

),

visitors as (

    select * from {{ ref('int_visitors_linked') }}

),

identities as (

    select * from {{ ref('ml_customer_identities') }}

),

-- Two ids of one person are one login.
grouped as (

    select
        visits.visitor_id,
        visits.session_number,
        case
            when min(identities.customer_key) = max(identities.customer_key)
                then min(identities.customer_key)
        end as customer_key,
        count(identities.customer_key) as logins,
        cast(sum(visits.events) as bigint) as events,
        cast(sum(visits.page_views) as bigint) as page_views,
        cast(sum(visits.product_views) as bigint) as product_views,
        cast(sum(visits.searches) as bigint) as searches,
        sum(visits.engagement_seconds) as engagement_seconds,
        bool_or(visits.has_conversion) as has_conversion,
        bool_or(visits.has_cart) as has_cart,
        bool_or(visits.has_purchase) as has_purchase,
        max(visits.utm_source) as utm_source,
        max(visits.device) as device,
        min(visits.started_at) as started_at,
        max(visits.ended_at) as ended_at
    from visits
    left join identities on 'id:' || visits.customer_id = identities.record_id
    group by visits.visitor_id, visits.session_number

),

final as (

    select
        grouped.visitor_id || '-' || cast(grouped.session_number as string) as session_id,
        grouped.visitor_id,
        grouped.session_number,
        -- The login of the session itself comes first; without one, the owner of the cookie.
        case
            when grouped.logins > 0 then grouped.customer_key else visitors.customer_key
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
            when grouped.logins = 0
                then greatest(grouped.ended_at, coalesce(visitors.linked_at, grouped.ended_at))
            else grouped.ended_at
        end as known_at
    from grouped
    left join visitors on grouped.visitor_id = visitors.visitor_id

)

select * from final
