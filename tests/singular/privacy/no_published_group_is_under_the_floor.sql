-- A row here is a published figure with fewer than k_anonymity customers behind it, or a single
-- group withheld, which the others and the whole give away. Do not publish.
with segments as (

    select
        profiles.segment_view,
        profiles.segment_level,
        profiles.segment_id,
        profiles.feature,
        profiles.customers,
        profiles.mean,
        profiles.overall_mean,
        behind.customers as customers_behind,
        behind.customers_known as customers_known_behind,
        sum(case when profiles.customers is null then 1 else 0 end) over (
            partition by
                profiles.segment_view, profiles.segment_level, profiles.parent_segment_id,
                profiles.feature
        ) as segments_withheld,
        sum(case when profiles.mean is null and behind.customers_known > 0 then 1 else 0 end)
            over (
                partition by
                    profiles.segment_view, profiles.segment_level, profiles.parent_segment_id,
                    profiles.feature
            ) as means_withheld,
        sum(case when behind.level = 'segment' then behind.customers_known end)
            over (partition by profiles.segment_view, profiles.feature)
            as all_customers_known_behind,
        parents.customers as customers_of_parent,
        parents.mean as mean_of_parent
    from {{ ref('segment_profiles') }} as profiles
    inner join {{ ref('ml_segment_profiles') }} as behind
        on
            profiles.segment_view = behind.view
            and profiles.segment_level = behind.level
            and profiles.segment_id = behind.segment_id
            and profiles.feature = behind.feature
    left join {{ ref('segment_profiles') }} as parents
        on
            profiles.segment_view = parents.segment_view
            and profiles.feature = parents.feature
            and profiles.parent_segment_id = parents.segment_id
            and parents.segment_level = {{ level_above('profiles.segment_level') }}

)

select
    'segment_profiles' as mart,
    segment_view || ' ' || segment_level || ' ' || cast(segment_id as string) || ' ' || feature
        as published_group
from segments
where
    (customers is not null and {{ is_under_floor('customers_behind') }})
    or (mean is not null and {{ is_under_floor('customers_known_behind') }})
    or (
        customers is null
        and segments_withheld = 1
        and (segment_level = 'segment' or customers_of_parent is not null)
    )
    or (
        mean is null
        and customers_known_behind > 0
        and means_withheld = 1
        and overall_mean is not null
        and (segment_level = 'segment' or mean_of_parent is not null)
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
    'segments' as mart,
    segments.segment_view || ' ' || segments.segment_level || ' ' || segments.segment
        as published_group
from {{ ref('segments') }} as segments
where {{ is_under_floor('segments.customers') }}

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
    'segment_rules' as mart,
    rules.segment_view || ' ' || cast(rules.leaf as string) as published_group
from {{ ref('segment_rules') }} as rules
where {{ is_under_floor('rules.customers') }}

union all

select
    'segment_crosstab' as mart,
    crosstab.left_value || ' ' || crosstab.right_value as published_group
from {{ ref('segment_crosstab') }} as crosstab
where {{ is_under_floor('crosstab.customers') }}

union all

select
    'segment_associations' as mart,
    associations.left_attribute || ' ' || associations.right_attribute as published_group
from {{ ref('segment_associations') }} as associations
where
    {{ is_under_floor('associations.top_customers') }}
    or associations.top_customers <> {{ rounded_to_floor('associations.top_customers') }}

union all

select
    'segment_tree' as mart,
    segment_view || ' ' || cast(node_id as string) as published_group
from {{ ref('segment_tree') }}
where {{ is_under_floor('customers') }}

union all

select
    'value_calibration' as mart,
    published.model || ' ' || published.frequency_label as published_group
from {{ ref('value_calibration') }} as published
inner join {{ ref('ml_value_calibration') }} as behind
    on
        published.model = behind.model
        and published.frequency_group = behind.frequency_group
where published.actual_purchases is not null and {{ is_under_floor('behind.customers') }}
