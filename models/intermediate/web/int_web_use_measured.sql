-- One row per customer_key and cutoff with a web session before it.
{%- set devices = ['mobile', 'desktop', 'tablet'] %}
with sessions as (

    select
        *,
        row_number() over (partition by customer_key order by started_at, session_id)
            as visit_number,
        has_cart and not has_purchase as is_cart_left
    from {{ ref('int_web_sessions') }}
    where customer_key is not null

),

cutoffs as (

    select * from {{ ref('int_cutoffs') }}

),

known as (

    select
        sessions.*,
        cutoffs.cutoff_name,
        cutoffs.cutoff_on,
        {{ days_between('cast(sessions.started_at as date)', 'cutoffs.cutoff_on') }} as days_ago,
        sessions.started_at >= {{ add_days('cutoffs.cutoff_on', -90) }} as is_last_90_days
    from sessions
    inner join cutoffs on sessions.known_at < cutoffs.cutoff_on

),

summed as (

    select
        customer_key,
        cutoff_name,
        count(*) as sessions,
        count(*) filter (where is_last_90_days) as sessions_90d,
        count(*) filter (where days_ago <= 30) as sessions_30d,
        count(*) filter (where days_ago <= 365) as sessions_365d,
        sum(case when days_ago <= 90 then 1 when days_ago <= 180 then -1 else 0 end)
            as sessions_change_90d,
        sum(case when is_last_90_days then product_views else 0 end) as product_views_90d,
        sum(case when is_last_90_days then searches else 0 end) as searches_90d,
        count(*) filter (where is_last_90_days and is_cart_left) as carts_left_90d,
        min(case when is_cart_left then days_ago end) as days_since_cart_left,
        min_by(coalesce(utm_source, 'direct'), visit_number) as first_source,
        max_by(coalesce(utm_source, 'direct'), visit_number) as last_source,
        {%- for device in devices %}
        count(*) filter (where device = '{{ device }}') as {{ device }}_sessions,
        {%- endfor %}
        sum(case when is_last_90_days then page_views else 0 end) as pages_90d,
        sum(case when is_last_90_days then engagement_seconds else 0 end) / cast(60 as double)
            as engaged_minutes_90d,
        avg(case when is_engaged then cast(1 as double) else 0 end) as engaged_session_share,
        avg(case when device = 'mobile' then cast(1 as double) else 0 end) as mobile_session_share,
        avg(case when has_purchase then 0 else cast(1 as double) end) filter (where has_cart)
            as cart_abandonment_rate,
        {{ days_between('max(cast(ended_at as date))', 'min(cutoff_on)') }} as days_since_visit,
        max(known_at) as last_event_at
    from known
    group by customer_key, cutoff_name

),

-- Of two devices used as often, the first in the list.
final as (

    select
        *,
        {%- set most = 'greatest(' ~ devices | join('_sessions, ') ~ '_sessions)' %}
        case
            when {{ most }} = 0 then null
            {%- for device in devices %}
            when {{ device }}_sessions = {{ most }} then '{{ device }}'
            {%- endfor %}
        end as main_device
    from summed

)

select * from final
