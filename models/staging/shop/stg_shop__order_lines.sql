-- One row per row of shop.order_lines.
with source as (

    select * from {{ source_rows(source('shop', 'order_lines'), 'shop.order_lines') }}

),

orders as (

    select * from {{ ref('stg_shop__orders') }} where occurrence = 1

),

renamed as (

    select
        {{ clean_text('order_id') }} as order_id,
        try_cast(line_number as integer) as line_number,
        {{ clean_text('product_id') }} as product_id,
        try_cast(quantity as double) as quantity,
        try_cast(unit_price as double) as unit_price
    from source

),

numbered as (

    select
        *,
        row_number() over (
            partition by order_id, line_number
            order by product_id nulls last, quantity nulls last, unit_price nulls last
        ) as occurrence
    from renamed

),

final as (

    select
        numbered.order_id,
        numbered.line_number,
        numbered.occurrence,
        numbered.product_id,
        numbered.quantity,
        numbered.unit_price,
        case
            when numbered.order_id is null or numbered.line_number is null then 'missing_key'
            when numbered.occurrence > 1 then 'repeated_record'
            when orders.order_id is null then 'orphan_line'
            when orders.rejection_reason is not null then 'order_set_aside'
            when numbered.quantity is null or numbered.unit_price is null then 'unreadable_number'
            when numbered.quantity = 0 then 'zero_quantity'
            when numbered.unit_price < 0 then 'negative_price'
            when numbered.unit_price = 0 then 'zero_price'
        end as rejection_reason
    from numbered
    left join orders on numbered.order_id = orders.order_id

)

select * from final
