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

consents as (

    select
        customer_key,
        bool_or(purpose = 'email_marketing' and is_granted) as has_email_consent,
        bool_or(purpose = 'profiling' and is_granted) as has_profiling_consent,
        bool_or(purpose = 'ad_targeting' and is_granted) as has_ad_consent
    from {{ ref('int_consents_current') }}
    group by customer_key

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
        greatest(
            coalesce(engagement.last_interaction_on, engagement.first_seen_on),
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
        areas.median_income as area_median_income,
        areas.unemployment_rate as area_unemployment_rate,
        areas.population_density as area_population_density,
        areas.distance_to_centre_km as area_distance_to_centre_km,
        cast(aged.record_count as bigint) as record_count,
        aged.is_guest_only,
        buyers.customer_key is null as is_prospect,
        coalesce(consents.has_email_consent, false) as has_email_consent,
        coalesce(consents.has_profiling_consent, false) as has_profiling_consent,
        coalesce(consents.has_ad_consent, false) as has_ad_consent
    from aged
    left join engagement on aged.customer_key = engagement.customer_key
    left join buyers on aged.customer_key = buyers.customer_key
    left join consents on aged.customer_key = consents.customer_key
    left join areas
        on aged.country_code = areas.country_code and aged.postcode_prefix = areas.postcode_prefix
    left join age_bands on aged.age_years between age_bands.from_age and age_bands.to_age

)

select * from final
