-- One row per phone number as written in crm.customers and country of the record.
with source as (

    select * from {{ source_rows(source('crm', 'customers'), 'crm.customers') }}

),

countries as (

    select * from {{ ref('stg_crm__countries') }}

),

final as (

    select distinct
        {{ clean_text('source.phone') }} as phone_text,
        coalesce(countries.country_code, '{{ var("default_country") }}') as country_code
    from source
    left join countries on {{ fold_spelling('source.country') }} = countries.spelling
    where
        {{ clean_text('source.phone') }} is not null
        and not ({{ is_suppressed_customer(birth_on=parse_date('source.birth_date')) }})

)

select * from final
