-- One row per row of crm.customers; people may have several.
{%- set columns = [
    'customer_id', 'email', 'phone', 'first_name', 'last_name', 'address', 'postcode', 'city',
    'country', 'birth_date', 'gender', 'profession', 'household_income', 'acquisition_channel',
    'social_handle', 'created_at', 'updated_at',
] %}
{%- set home = "coalesce(countries.country_code, case when " ~ clean_text('numbered.country')
    ~ " is null then '" ~ var('default_country') ~ "' end)" %}
with source as (

    select * from {{ source_rows(source('crm', 'customers'), 'crm.customers') }}

),

retention as (

    select * from {{ ref('retention') }}
    where source_name = 'crm' and table_name = 'customers'

),

countries as (

    select * from {{ ref('stg_crm__countries') }}

),

phones as (

    select * from {{ ref('stg_crm__phones') }}

),

spellings as (

    select * from {{ ref('value_spellings') }}

),

placeholders as (

    select * from {{ ref('placeholder_values') }}

),

-- A date that cannot be true would win or lose every comparison of records.
numbered as (

    select
        {{ select_columns(columns) }},
        {{ plausible_timestamp('created_at') }} as created_at_read,
        {{ plausible_timestamp('updated_at') }} as updated_at_read,
        row_number() over (
            partition by {{ clean_text('customer_id') }}
            order by {{ order_of_rows(columns, [
                plausible_timestamp('updated_at') ~ ' desc',
                plausible_timestamp('created_at') ~ ' desc',
            ]) }}
        ) as occurrence
    from source

),

-- The CRM's own last day: how old somebody is must not depend on the day of the build.
newest as (

    select max(greatest(coalesce(updated_at_read, created_at_read), created_at_read)) as changed_at
    from numbered

),

renamed as (

    select
        {{ clean_text('numbered.customer_id') }} as customer_id,
        numbered.occurrence,
        case when no_emails.spelling is null then {{ clean_email('numbered.email') }} end as email,
        numbered.email as email_raw,
        case when no_phones.spelling is null then phones.e164 end as phone,
        numbered.phone as phone_raw,
        case when no_phones.spelling is null then phones.phone_type end as phone_type,
        case when no_phones.spelling is null then phones.is_valid end as is_phone_valid,
        case
            when no_first_names.spelling is null then {{ clean_name('numbered.first_name') }}
        end as first_name,
        numbered.first_name as first_name_raw,
        case
            when no_last_names.spelling is null
                then {{ clean_name(without_title('numbered.last_name')) }}
        end as last_name,
        numbered.last_name as last_name_raw,
        case
            when no_addresses.spelling is null
                then {{ clean_text(replace_regex('numbered.address', '[ \t\u00a0]+', ' ')) }}
        end as address,
        numbered.address as address_raw,
        {{ clean_postcode('numbered.postcode', home) }} as postcode,
        numbered.postcode as postcode_raw,
        {{ clean_name('numbered.city') }} as city,
        numbered.city as city_raw,
        {{ clean_text('numbered.country') }} as country_raw,
        countries.country_code,
        coalesce(countries.is_corrected, false) as is_country_corrected,
        {{ parse_date('numbered.birth_date') }} as birth_on_read,
        {{ clean_text('numbered.birth_date') }} as birth_on_raw,
        coalesce(genders.code, lower({{ clean_text('numbered.gender') }})) as gender,
        numbered.gender as gender_raw,
        lower({{ clean_text('numbered.profession') }}) as profession,
        numbered.profession as profession_raw,
        {{ read_number('numbered.household_income') }} as household_income,
        {{ clean_text('numbered.household_income') }} as household_income_raw,
        coalesce(channels.code, lower({{ clean_text('numbered.acquisition_channel') }}))
            as acquisition_channel,
        numbered.acquisition_channel as acquisition_channel_raw,
        lower({{ clean_text('numbered.social_handle') }}) as social_handle,
        numbered.social_handle as social_handle_raw,
        no_emails.spelling is not null as is_email_placeholder,
        no_phones.spelling is not null as is_phone_placeholder,
        coalesce(
            no_first_names.spelling, no_last_names.spelling, no_addresses.spelling
        ) is not null as is_name_or_address_placeholder,
        numbered.created_at_read as created_at,
        {{ clean_text('numbered.created_at') }} as created_at_raw,
        numbered.updated_at_read as updated_at,
        {{ clean_text('numbered.updated_at') }} as updated_at_raw,
        cast(newest.changed_at as date) as newest_on,
        {{ pack_columns(columns, 'numbered') }} as packed
    from numbered
    cross join newest
    left join countries on {{ fold_spelling('numbered.country') }} = countries.spelling
    left join phones
        on
            {{ clean_text('numbered.phone') }} = phones.phone_text
            and coalesce(countries.country_code, '{{ var("default_country") }}')
            = phones.country_code
    left join spellings as genders
        on
            genders.domain = 'gender'
            and {{ fold_spelling('numbered.gender') }} = genders.spelling
    left join spellings as channels
        on
            channels.domain = 'acquisition_channel'
            and {{ fold_spelling('numbered.acquisition_channel') }} = channels.spelling
    left join placeholders as no_emails
        on
            no_emails.domain = 'email'
            and {{ email_name('numbered.email') }} = no_emails.spelling
    left join placeholders as no_phones
        on
            no_phones.domain = 'phone'
            and {{ fold_spelling('phones.e164') }} = no_phones.spelling
    left join placeholders as no_first_names
        on
            no_first_names.domain = 'name'
            and {{ fold_spelling('numbered.first_name') }} = no_first_names.spelling
    left join placeholders as no_last_names
        on
            no_last_names.domain = 'name'
            and {{ fold_spelling('numbered.last_name') }} = no_last_names.spelling
    left join placeholders as no_addresses
        on
            no_addresses.domain = 'address'
            and {{ fold_spelling('numbered.address') }} = no_addresses.spelling

),

judged as (

    select
        *,
        {{ clean_text('email_raw') }} is not null and email is null and not is_email_placeholder
            as is_email_broken,
        {{ clean_text('phone_raw') }} is not null and phone is null and not is_phone_placeholder
            as is_phone_unreadable,
        country_raw is not null and country_code is null as is_country_unknown,
        coalesce(
            postcode = '0' || {{ replace_regex(clean_text('postcode_raw'), '[ ]|[.]0+$', '') }},
            false
        ) as is_postcode_corrected,
        birth_on_raw is not null and birth_on_read is null as is_birth_date_unreadable,
        coalesce({{ is_in_future('birth_on_read') }}, false) as is_birth_date_in_future,
        coalesce({{ is_impossible_age('birth_on_read', 'newest_on') }}, false) as is_age_impossible,
        created_at_raw is not null and created_at is null as is_created_at_unreadable,
        case
            when customer_id is null then 'missing_key'
            when occurrence > 1 then 'repeated_record'
        end as rejection_reason
    from renamed

),

staged as (

    select
        {{ all_but([
            "birth_on_read", "newest_on", "packed", "is_email_placeholder", "is_phone_placeholder",
            "is_name_or_address_placeholder",
        ]) }},
        case
            when not is_birth_date_in_future and not is_age_impossible then birth_on_read
        end as birth_on,
        {{ list_flags({
            'broken_email': 'is_email_broken',
            'unreadable_phone': 'is_phone_unreadable',
            'placeholder_value':
                'is_email_placeholder or is_phone_placeholder or is_name_or_address_placeholder',
            'unknown_country': 'is_country_unknown',
            'corrected_country': 'is_country_corrected',
            'corrected_postcode': 'is_postcode_corrected',
            'unreadable_birth_date': 'is_birth_date_unreadable',
            'future_birth_date': 'is_birth_date_in_future',
            'impossible_age': 'is_age_impossible',
            'unreadable_income': 'household_income_raw is not null and household_income is null',
            'unreadable_created_at': 'is_created_at_unreadable',
            'unreadable_updated_at': 'updated_at_raw is not null and updated_at is null',
        }) }} as quality_flags,
        {{ raw_row('rejection_reason', 'packed') }} as raw_row
    from judged

),

final as (

    {{ guarded_rows(
        'updated_at',
        personal=customer_columns(),
        forgotten=is_suppressed_customer(),
        number='customer_id',
    ) }}

)

select * from final
