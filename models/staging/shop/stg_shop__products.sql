-- One row per row of shop.products.
{%- set columns = [
    'product_id', 'category', 'subcategory', 'unit_cost',
] %}

with source as (

    select * from {{ source_rows(source('shop', 'products'), 'shop.products') }}

),

numbered as (

    select
        {{ select_columns(columns) }},
        row_number() over (
            partition by {{ clean_text('product_id') }}
            order by {{ order_of_rows(columns, []) }}
        ) as occurrence
    from source

),

renamed as (

    select
        {{ clean_text('numbered.product_id') }} as product_id,
        numbered.occurrence,
        lower({{ clean_text('numbered.category') }}) as category,
        numbered.category as category_raw,
        lower({{ clean_text('numbered.subcategory') }}) as subcategory,
        numbered.subcategory as subcategory_raw,
        {{ read_number('numbered.unit_cost') }} as unit_cost,
        {{ clean_text('numbered.unit_cost') }} as unit_cost_raw,
        {{ pack_columns(columns, 'numbered') }} as packed
    from numbered

),

judged as (

    select
        *,
        coalesce(unit_cost < 0, false) as is_cost_negative,
        case
            when product_id is null then 'missing_key'
            when occurrence > 1 then 'repeated_record'
        end as rejection_reason
    from renamed

),

final as (

    select
        product_id,
        occurrence,
        category,
        category_raw,
        subcategory,
        subcategory_raw,
        case
            when unit_cost >= 0 and unit_cost < {{ var('largest_amount') }} then unit_cost
        end as unit_cost,
        unit_cost_raw,
        is_cost_negative,
        rejection_reason,
        {{ list_flags({
            'unusable_cost': 'is_cost_negative or unit_cost >= ' ~ var('largest_amount')
                ~ ' or (unit_cost is null and unit_cost_raw is not null)',
        }) }} as quality_flags,
        {{ raw_row('rejection_reason', 'packed') }} as raw_row
    from judged

)

select * from final
