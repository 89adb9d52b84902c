-- One row per customer_key and cutoff with a web session before it.
with sessions as (

    select * from {{ ref('int_web_sessions') }} where customer_key is not null

),

cutoffs as (

    select * from {{ ref('int_cutoffs') }}

),

known as (

    select
        sessions.*,
        cutoffs.cutoff_name,
        cutoffs.cutoff_on,
        sessions.started_at >= {{ add_days('cutoffs.cutoff_on', -90) }} as is_last_90_days
    from sessions
    inner join cutoffs on sessions.known_at < cutoffs.cutoff_on

),

final as (

    select
        customer_key,
        cutoff_name,
        count(*) as sessions,
        count(*) filter (where is_last_90_days) as sessions_90d,
        sum(case when is_last_90_days then page_views else 0 end) as pages_90d,
        sum(case when is_last_90_days then engagement_seconds else 0 end) / cast(60 as double)
            as engaged_minutes_90d,
        avg(case when is_engaged then 1.0 else 0.0 end) as engaged_session_share,
        avg(case when device = 'mobile' then 1.0 else 0.0 end) as mobile_session_share,
        avg(case when has_purchase then 0.0 else 1.0 end) filter (where has_cart)
            as cart_abandonment_rate,
        {{ days_between('max(cast(ended_at as date))', 'min(cutoff_on)') }} as days_since_visit,
        max(known_at) as last_event_at
    from known
    group by customer_key, cutoff_name

)

select * from final
