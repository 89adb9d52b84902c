-- One row per audience.
with definitions as (

    select * from {{ ref('audience_definitions') }}

),

rules as (

    select
        rules.*,
        bool_or({{ is_profiling_rule('rules') }}) over (partition by rules.audience)
            as is_profiling
    from {{ ref('audience_rules') }} as rules

),

customers as (

    select * from {{ ref('customers') }}

),

segments as (

    select * from {{ ref('customer_segments') }}

),

described as (

    select
        segments.*,
        customers.country,
        customers.has_email_consent,
        customers.has_ad_consent,
        customers.may_be_profiled
    from segments
    inner join customers on segments.customer_key = customers.customer_key

),

category_days as (

    select * from {{ ref('int_category_days') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

-- Who bought what a rule asks for; rules that ask for no purchase are not here.
bought as (

    select distinct
        rules.audience,
        rules.rule_number,
        category_days.customer_key
    from rules
    cross join as_of
    inner join category_days
        on {{ is_asked_for('rules', 'category_days', 'as_of.as_of_date') }}
    where {{ asks_for_purchase('rules') }}

),

-- Who may not be profiled is not even looked at for an audience that is made from profiles.
matched as (

    select distinct
        definitions.audience,
        described.customer_key,
        {{ has_agreed('definitions.purpose', 'described') }} as has_agreed
    from definitions
    inner join rules on definitions.audience = rules.audience
    inner join described
        on
            {{ meets_rule('rules', 'described') }}
            and (described.may_be_profiled or not rules.is_profiling)
    left join bought
        on
            rules.audience = bought.audience
            and rules.rule_number = bought.rule_number
            and described.customer_key = bought.customer_key
    where bought.customer_key is not null or not {{ asks_for_purchase('rules') }}

),

counted as (

    select
        audience,
        count(*) filter (where has_agreed) as members,
        count(*) filter (where not has_agreed) as withheld_for_consent
    from matched
    group by audience

),

kinds as (

    select
        audience,
        bool_or(is_profiling) as is_profiling
    from rules
    group by audience

),

sized as (

    select
        definitions.*,
        kinds.is_profiling,
        coalesce(counted.members, 0) as members,
        coalesce(counted.withheld_for_consent, 0) as withheld_for_consent
    from definitions
    inner join kinds on definitions.audience = kinds.audience
    left join counted on definitions.audience = counted.audience

),

final as (

    select
        audience,
        purpose,
        name_en,
        name_fr,
        description_en,
        description_fr,
        is_profiling,
        -- Where one part of those who meet the rules is too small to be told, the other is rounded.
        case
            when {{ is_under_floor('members') }} then null
            when {{ is_under_floor('withheld_for_consent') }} then {{ rounded_to_floor('members') }}
            else members
        end as members,
        case
            when {{ is_under_floor('withheld_for_consent') }} then null
            when {{ is_under_floor('members') }} then {{ rounded_to_floor('withheld_for_consent') }}
            else withheld_for_consent
        end as withheld_for_consent,
        {{ is_under_floor('members') }} as is_withheld
    from sized

)

select * from final
