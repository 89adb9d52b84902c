-- One row per audience and customer_key who belongs to it and agreed to its purpose.
with audiences as (

    select * from {{ ref('audiences') }}

),

rules as (

    select * from {{ ref('audience_rules') }}

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

-- An audience under the floor would single people out: it is not handed out at all.
final as (

    select distinct
        audiences.audience,
        described.customer_key
    from audiences
    inner join rules on audiences.audience = rules.audience
    inner join described on {{ meets_rule('rules', 'described') }}
    left join bought
        on
            rules.audience = bought.audience
            and rules.rule_number = bought.rule_number
            and described.customer_key = bought.customer_key
    where
        (bought.customer_key is not null or not {{ asks_for_purchase('rules') }})
        and not audiences.is_withheld
        and (described.may_be_profiled or not audiences.is_profiling)
        and {{ has_agreed('audiences.purpose', 'described') }}

)

select * from final
