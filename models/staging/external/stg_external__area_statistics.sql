-- One row per row of external.area_statistics.
{%- set columns = [
    'country', 'postcode_prefix', 'median_income', 'unemployment_rate', 'population_density',
    'distance_to_centre_km',
] %}

with source as (

    select *
    from {{ source_rows(source('external', 'area_statistics'), 'external.area_statistics') }}

),

countries as (

    select * from {{ ref('country_spellings') }}

),

coded as (

    select
        {{ pack_columns(columns, 'source') }} as packed,
        countries.country_code is not null as is_country_known,
        source.country as country_raw,
        coalesce(countries.country_code, upper({{ clean_text('source.country') }}))
            as country_code,
        upper({{ clean_text('source.postcode_prefix') }}) as postcode_prefix,
        {{ read_number('source.median_income') }} as median_income,
        {{ read_number('source.unemployment_rate') }} as unemployment_rate,
        {{ read_number('source.population_density') }} as population_density,
        {{ read_number('source.distance_to_centre_km') }} as distance_to_centre_km
    from source
    left join countries on {{ fold_spelling('source.country') }} = countries.spelling

),

numbered as (

    select
        *,
        row_number() over (
            partition by country_code, postcode_prefix
            order by
                median_income asc nulls last,
                unemployment_rate asc nulls last,
                population_density asc nulls last,
                distance_to_centre_km asc nulls last,
                country_raw asc nulls last
        ) as occurrence
    from coded

),

judged as (

    select
        *,
        case
            when country_code is null or postcode_prefix is null then 'missing_key'
            when occurrence > 1 then 'repeated_record'
        end as rejection_reason
    from numbered

),

final as (

    select
        country_code,
        country_raw,
        postcode_prefix,
        occurrence,
        median_income,
        unemployment_rate,
        population_density,
        distance_to_centre_km,
        rejection_reason,
        {{ list_flags({'unknown_country': 'not is_country_known'}) }} as quality_flags,
        {{ raw_row('rejection_reason', 'packed') }} as raw_row
    from judged

)

select * from final
