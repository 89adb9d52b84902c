-- A row here is a published figure of a model with fewer than k_anonymity customers behind it, or a
-- single group withheld, which the others and the whole give away. Do not publish.
with groups as (

    select
        published.*,
        behind.customers as customers_behind,
        sum(case when published.is_withheld then 1 else 0 end)
            over (partition by published.target, published.attribute) as groups_withheld,
        count(*) over (partition by published.target, published.attribute) as all_groups
    from {{ ref('model_groups') }} as published
    inner join {{ ref('ml_propensity_groups') }} as behind
        on
            published.target = behind.target
            and published.attribute = behind.attribute
            and published.group_value = behind.group_value

),

bins as (

    select
        published.*,
        behind.customers as customers_behind
    from {{ ref('model_reliability') }} as published
    inner join {{ ref('ml_propensity_reliability') }} as behind
        on published.target = behind.target and published.bin = behind.bin

),

steps as (

    select
        target,
        percent,
        customers - lag(customers) over (partition by target order by percent) as customers_between
    from {{ ref('model_profits') }}

)

select
    'model_groups' as mart,
    target || ' ' || attribute || ' ' || group_value as published_group
from groups
where
    (prevalence is not null and {{ is_under_floor('customers_behind') }})
    or (true_positive_rate is not null and {{ is_under_floor('hits') }})
    or (is_withheld and groups_withheld = 1 and all_groups > 1)

union all

select
    'model_reliability' as mart,
    target || ' ' || cast(bin as string) as published_group
from bins
where predicted is not null and {{ is_under_floor('customers_behind') }}

union all

select
    'model_gains' as mart,
    target || ' ' || cast(decile as string) as published_group
from {{ ref('model_gains') }}
where {{ is_under_floor('customers') }}

union all

select
    'model_profits' as mart,
    target || ' ' || cast(percent as string) as published_group
from steps
where {{ is_under_floor('customers_between') }}
