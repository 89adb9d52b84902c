-- One row per row of shop.products.
with source as (

    select * from {{ source_rows(source('shop', 'products'), 'shop.products') }}

),

renamed as (

    select
        {{ clean_text('product_id') }} as product_id,
        lower({{ clean_text('category') }}) as category,
        lower({{ clean_text('subcategory') }}) as subcategory,
        try_cast(unit_cost as double) as unit_cost
    from source

),

numbered as (

    select
        *,
        row_number() over (
            partition by product_id
            order by category nulls last, subcategory nulls last, unit_cost nulls last
        ) as occurrence
    from renamed

),

final as (

    select
        product_id,
        occurrence,
        category,
        subcategory,
        case when unit_cost >= 0 then unit_cost end as unit_cost,
        coalesce(unit_cost < 0, false) as is_cost_negative,
        case
            when product_id is null then 'missing_key'
            when occurrence > 1 then 'repeated_record'
        end as rejection_reason
    from numbered

)

select * from final
