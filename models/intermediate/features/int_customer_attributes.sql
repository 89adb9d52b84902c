-- One row per customer_key: what segments are compared with, and never made of.
with customers as (

    select * from {{ ref('int_customers_merged') }}

),

permissions as (

    select * from {{ ref('int_customer_permissions') }}

),

rfm as (

    select * from {{ ref('int_customer_rfm') }}

),

engagement as (

    select * from {{ ref('int_engagement_measured') }} where cutoff_name = 'score'

),

areas as (

    select * from {{ ref('stg_external__area_statistics') }} where rejection_reason is null

),

age_bands as (

    select * from {{ ref('age_bands') }}

),

income_bands as (

    select * from {{ ref('income_bands') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

aged as (

    select
        customers.*,
        {{ age_in_years('customers.birth_on', 'as_of.as_of_date') }} as age_years,
        {{ postcode_prefix('customers.postcode') }} as postcode_prefix
    from customers
    cross join as_of

),

final as (

    select
        aged.customer_key,
        aged.country_code as country,
        case
            when aged.country_code is not null and areas.postcode_prefix is not null
                then aged.country_code || '-' || areas.postcode_prefix
        end as region,
        age_bands.age_band,
        aged.gender,
        aged.profession,
        income_bands.income_band,
        aged.acquisition_channel,
        case when permissions.may_be_profiled then rfm.rfm_segment end as rfm_segment,
        case when permissions.may_be_profiled then engagement.lifecycle end as lifecycle,
        permissions.may_be_profiled
    from aged
    inner join permissions on aged.customer_key = permissions.customer_key
    left join rfm on aged.customer_key = rfm.customer_key
    left join engagement on aged.customer_key = engagement.customer_key
    left join areas
        on aged.country_code = areas.country_code and aged.postcode_prefix = areas.postcode_prefix
    left join age_bands on aged.age_years between age_bands.from_age and age_bands.to_age
    left join income_bands
        on
            aged.household_income >= income_bands.from_income
            and aged.household_income < income_bands.below_income

)

select * from final
