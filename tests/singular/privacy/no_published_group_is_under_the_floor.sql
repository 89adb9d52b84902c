-- A row here is a published figure with fewer than k_anonymity customers behind it, or a single
-- group withheld, which the others and the whole give away. Do not publish.
with segments as (

    select
        profiles.segment_level,
        profiles.segment_id,
        profiles.feature,
        profiles.customers,
        profiles.mean,
        profiles.overall_mean,
        behind.customers as customers_behind,
        behind.customers_known as customers_known_behind,
        sum(case when profiles.customers is null then 1 else 0 end)
            over (partition by profiles.segment_level, profiles.feature) as segments_withheld,
        sum(case when profiles.mean is null and behind.customers_known > 0 then 1 else 0 end)
            over (partition by profiles.segment_level, profiles.feature) as means_withheld,
        sum(behind.customers_known)
            over (partition by profiles.segment_level, profiles.feature)
            as all_customers_known_behind
    from {{ ref('segment_profiles') }} as profiles
    inner join {{ ref('ml_segment_profiles') }} as behind
        on
            profiles.segment_level = behind.level
            and profiles.segment_id = behind.segment_id
            and profiles.feature = behind.feature

)

select
    'segment_profiles' as mart,
    segment_level || ' ' || cast(segment_id as string) || ' ' || feature as published_group
from segments
where
    (customers is not null and {{ is_under_floor('customers_behind') }})
    or (mean is not null and {{ is_under_floor('customers_known_behind') }})
    or (customers is null and segments_withheld = 1)
    or (
        mean is null
        and customers_known_behind > 0
        and means_withheld = 1
        and overall_mean is not null
    )
    or (overall_mean is not null and {{ is_under_floor('all_customers_known_behind') }})

union all

select
    'audiences' as mart,
    audience as published_group
from {{ ref('audiences') }}
where {{ is_under_floor('members') }} or {{ is_under_floor('withheld_for_consent') }}

union all

select
    'audience_members' as mart,
    audience as published_group
from {{ ref('audience_members') }}
group by audience
having {{ is_under_floor('count(*)') }}

union all

select
    'segment_quality' as mart,
    candidate as published_group
from {{ ref('segment_quality') }}
where {{ is_under_floor('round(smallest_share * fitted_rows)') }}

union all

select
    'segment_stability' as mart,
    published.segment_level || ' ' || cast(published.segment_id as string) || ' '
    || published.measure as published_group
from {{ ref('segment_stability') }} as published
inner join {{ ref('ml_segment_stability') }} as behind
    on
        published.segment_view = behind.view
        and published.segment_level = behind.level
        and published.segment_id = behind.segment_id
        and published.measure = behind.measure
        and published.left_out = behind.left_out
where published.value is not null and {{ is_under_floor('behind.customers') }}

union all

select
    'segment_tree' as mart,
    segment_view || ' ' || cast(node_id as string) as published_group
from {{ ref('segment_tree') }}
where {{ is_under_floor('customers') }}
