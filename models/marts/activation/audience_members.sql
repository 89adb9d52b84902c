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

-- An audience under the floor would single people out: it is not handed out at all.
final as (

    select distinct
        audiences.audience,
        described.customer_key
    from audiences
    inner join rules on audiences.audience = rules.audience
    inner join described on {{ meets_rule('rules', 'described') }}
    where
        not audiences.is_withheld
        and (described.may_be_profiled or not audiences.is_profiling)
        and {{ has_agreed('audiences.purpose', 'described') }}

)

select * from final
