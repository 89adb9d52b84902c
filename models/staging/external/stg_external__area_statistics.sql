-- One row per row of external.area_statistics.
with source as (

    select *
    from {{ source_rows(source('external', 'area_statistics'), 'external.area_statistics') }}

),

renamed as (

    select
        upper({{ clean_text('country') }}) as country_code,
        upper({{ clean_text('postcode_prefix') }}) as postcode_prefix,
        try_cast(median_income as double) as median_income,
        try_cast(unemployment_rate as double) as unemployment_rate,
        try_cast(population_density as double) as population_density,
        try_cast(distance_to_centre_km as double) as distance_to_centre_km
    from source

),

numbered as (

    select
        *,
        row_number() over (
            partition by country_code, postcode_prefix
            order by
                median_income nulls last,
                unemployment_rate nulls last,
                population_density nulls last,
                distance_to_centre_km nulls last
        ) as occurrence
    from renamed

),

final as (

    select
        country_code,
        postcode_prefix,
        occurrence,
        median_income,
        unemployment_rate,
        population_density,
        distance_to_centre_km,
        case
            when country_code is null or postcode_prefix is null then 'missing_key'
            when occurrence > 1 then 'repeated_record'
        end as rejection_reason
    from numbered

)

select * from final
