-- One row per web session: events of one visitor with less than the time-out between them.
{%- set session_hash = hash_of(['visitor_id', 'session_number']) %}
with visits as {{ read_anew() }} (

    select * from {{ ref('int_web_visits') }}

),

visitors as (

    select * from {{ ref('int_visitors_linked') }}

),

identities as (

    select * from {{ ref('ml_customer_identities') }}

),

-- A visit is a session and a login in it: nearly every session is one visit. Only the others are
-- grouped, for groups of all sessions would hold their texts in memory at once.
repeated as (

    select {{ session_hash }} as session_hash
    from visits
    group by {{ session_hash }}
    having count(*) > 1

),

identified as {{ read_anew() }} (

    select
        visits.*,
        identities.customer_key
    from visits
    left join identities on 'id:' || visits.customer_id = identities.record_id

),

grouped as (

    -- Two ids of one person are one login; an id of nobody known may be anybody's.
    select
        visitor_id,
        session_number,
        case
            when
                count(customer_id) = count(customer_key)
                and min(customer_key) = max(customer_key)
                then min(customer_key)
        end as customer_key,
        count(customer_id) as logins,
        cast(sum(events) as bigint) as events,
        cast(sum(page_views) as bigint) as page_views,
        cast(sum(product_views) as bigint) as product_views,
        cast(sum(searches) as bigint) as searches,
        sum(engagement_seconds) as engagement_seconds,
        bool_or(has_conversion) as has_conversion,
        bool_or(has_cart) as has_cart,
        bool_or(has_purchase) as has_purchase,
        max(utm_source) as utm_source,
        max(device) as device,
        min(started_at) as started_at,
        max(ended_at) as ended_at
    from identified
    where {{ session_hash }} in (select repeated.session_hash from repeated)
    group by visitor_id, session_number

    union all

    select
        visitor_id,
        session_number,
        customer_key,
        case when customer_id is null then 0 else 1 end as logins,
        events,
        page_views,
        product_views,
        searches,
        engagement_seconds,
        has_conversion,
        has_cart,
        has_purchase,
        utm_source,
        device,
        started_at,
        ended_at
    from identified
    where {{ session_hash }} not in (select repeated.session_hash from repeated)

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
