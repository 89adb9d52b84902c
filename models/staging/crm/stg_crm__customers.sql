-- One row per row of crm.customers; people may have several.
with source as (

    select * from {{ source_rows(source('crm', 'customers'), 'crm.customers') }}

),

countries as (

    select * from {{ ref('country_spellings') }}

),

renamed as (

    select
        {{ clean_text('customer_id') }} as customer_id,
        {{ clean_email('email') }} as email,
        {{ clean_phone('phone') }} as phone,
        {{ clean_text('first_name') }} as first_name,
        {{ clean_text('last_name') }} as last_name,
        {{ clean_text('address') }} as address,
        {{ clean_text('postcode') }} as postcode,
        {{ clean_text('city') }} as city,
        {{ clean_text('country') }} as country_raw,
        cast({{ parse_timestamp('birth_date') }} as date) as birth_on,
        lower({{ clean_text('gender') }}) as gender,
        lower({{ clean_text('profession') }}) as profession,
        try_cast(household_income as double) as household_income,
        lower({{ clean_text('acquisition_channel') }}) as acquisition_channel,
        lower({{ clean_text('social_handle') }}) as social_handle,
        {{ parse_timestamp('created_at') }} as created_at_read,
        {{ parse_timestamp('updated_at') }} as updated_at_read,
        {{ clean_text('email') }} is not null as has_email_text,
        {{ clean_text('birth_date') }} is not null as has_birth_date_text,
        {{ clean_text('created_at') }} is not null as has_created_at_text
    from source

),

-- A date that cannot be true would win or lose every comparison of records.
dated as (

    select
        *,
        case
            when
                not {{ is_in_future('created_at_read') }}
                and not {{ is_before_records('created_at_read') }}
                then created_at_read
        end as created_at,
        case
            when
                not {{ is_in_future('updated_at_read') }}
                and not {{ is_before_records('updated_at_read') }}
                then updated_at_read
        end as updated_at
    from renamed

),

numbered as (

    select
        dated.*,
        countries.country_code,
        row_number() over (
            partition by dated.customer_id
            order by
                dated.updated_at desc nulls last,
                dated.created_at desc nulls last,
                dated.email asc nulls last,
                dated.phone asc nulls last,
                dated.last_name asc nulls last,
                dated.first_name asc nulls last,
                dated.address asc nulls last,
                dated.birth_on asc nulls last,
                dated.country_raw asc nulls last,
                dated.postcode asc nulls last,
                dated.city asc nulls last,
                dated.gender asc nulls last,
                dated.profession asc nulls last,
                dated.household_income asc nulls last,
                dated.acquisition_channel asc nulls last,
                dated.social_handle asc nulls last
        ) as occurrence
    from dated
    left join countries
        on {{ fold_text('dated.country_raw') }} = countries.spelling

),

final as (

    select
        customer_id,
        occurrence,
        email,
        phone,
        first_name,
        last_name,
        address,
        postcode,
        city,
        country_raw,
        country_code,
        case when {{ is_in_future('birth_on') }} then null else birth_on end as birth_on,
        gender,
        profession,
        household_income,
        acquisition_channel,
        social_handle,
        has_email_text and email is null as is_email_broken,
        country_raw is not null and country_code is null as is_country_unknown,
        has_birth_date_text and birth_on is null as is_birth_date_unreadable,
        coalesce({{ is_in_future('birth_on') }}, false) as is_birth_date_in_future,
        has_created_at_text and created_at is null as is_created_at_unreadable,
        created_at,
        updated_at,
        case
            when customer_id is null then 'missing_key'
            when occurrence > 1 then 'repeated_record'
        end as rejection_reason
    from numbered

)

select * from final
