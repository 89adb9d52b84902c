-- One row per customer_key: who the customer is, without anything that names the person.
with customers as (

    select * from {{ ref('int_customers_merged') }}

),

engagement as (

    select * from {{ ref('int_engagement_measured') }} where cutoff_name = 'score'

),

buyers as (

    select * from {{ ref('int_purchases_measured') }} where cutoff_name = 'score'

),

permissions as (

    select * from {{ ref('int_customer_permissions') }}

),

areas as (

    select * from {{ ref('stg_external__area_statistics') }} where rejection_reason is null

),

age_bands as (

    select * from {{ ref('age_bands') }}

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
        engagement.first_seen_on,
        -- Of who may not be profiled only what an account says: what was opened is conduct.
        greatest(
            coalesce(
                case
                    when permissions.may_be_profiled then engagement.last_interaction_on
                    else buyers.last_purchased_on
                end,
                engagement.first_seen_on
            ),
            engagement.first_seen_on
        ) as last_seen_on,
        aged.country_code as country,
        case
            when aged.country_code is not null and areas.postcode_prefix is not null
                then aged.country_code || '-' || areas.postcode_prefix
        end as region,
        age_bands.age_band,
        aged.gender,
        aged.profession,
        aged.acquisition_channel,
        -- What is said of where a person lives is said of the person: a profile.
        {%- for statistic in [
            'median_income', 'unemployment_rate', 'population_density', 'distance_to_centre_km'
        ] %}
        case when permissions.may_be_profiled then areas.{{ statistic }} end
            as area_{{ statistic }},
        {%- endfor %}
        cast(aged.record_count as bigint) as record_count,
        aged.household_key,
        cast(aged.household_size as bigint) as household_size,
        aged.is_guest_only,
        buyers.customer_key is null as is_prospect,
        permissions.has_email_consent,
        permissions.has_profiling_consent,
        permissions.has_ad_consent,
        permissions.may_be_profiled
    from aged
    left join engagement on aged.customer_key = engagement.customer_key
    left join buyers on aged.customer_key = buyers.customer_key
    left join permissions on aged.customer_key = permissions.customer_key
    left join areas
        on aged.country_code = areas.country_code and aged.postcode_prefix = areas.postcode_prefix
    left join age_bands on aged.age_years between age_bands.from_age and age_bands.to_age

)

select * from final
