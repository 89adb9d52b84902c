-- One row per load, source table, column, measure and bucket; a load differs from the one before.
{{ config(materialized='incremental', incremental_strategy='append', full_refresh=false) }}

with profile as (

    select * from {{ ref('int_columns_profiled') }}

),

as_of as (

    select * from {{ ref('int_as_of_date') }}

),

-- A load is known by what it looks like: no clock, and building it again adds nothing.
this_load as (

    select
        md5(
            {{ sorted_texts(
                "source_name || '.' || table_name || '.' || column_name || '.' || measure || '.'"
                ~ " || bucket || '=' || cast(round(value, 9) as string)"
            ) }}
            || max(cast(as_of.as_of_date as string))
        ) as load_fingerprint
    from profile
    cross join as_of

),

last_load as (

    {%- if is_incremental() %}
    select
        max(load_number) as load_number,
        max_by(load_fingerprint, load_number) as load_fingerprint
    from {{ this }}
    {%- else %}
    select
        0 as load_number,
        cast(null as string) as load_fingerprint
    from as_of
    {%- endif %}

),

final as (

    select
        cast(coalesce(last_load.load_number, 0) + 1 as bigint) as load_number,
        this_load.load_fingerprint,
        as_of.as_of_date,
        profile.source_name,
        profile.table_name,
        profile.column_name,
        profile.measure,
        profile.bucket,
        profile.value
    from profile
    cross join as_of
    cross join this_load
    cross join last_load
    where coalesce(last_load.load_fingerprint, '') <> this_load.load_fingerprint

)

select * from final
