-- One row per row of shop.order_lines.
{{- built_by_arrival('order_id') }}
{%- set columns = [
    'order_id', 'line_number', 'product_id', 'quantity', 'unit_price',
] %}
{%- set key = [clean_text('order_id'), read_integer('line_number')] %}

with orders as (

    select * from {{ ref('stg_shop__orders') }} where occurrence = 1

),

products as (

    select * from {{ ref('stg_shop__products') }} where rejection_reason is null

),

{% if is_incremental() -%}
affected as (

    {{ affected_keys(
        source('shop', 'order_lines'), 'shop.order_lines', 'order_id',
        outdated=[
            "coalesce(quality_flags like '%unknown_product%', false) "
            ~ "= (coalesce(product_id, '') in (select product_id from products))",
        ] if source_is_on('shop.products') else [],
    ) }}

    union

    {{ keys_written_since(ref('stg_shop__orders'), 'order_id') }}

),

{% endif -%}
source as {{ affected_or_anew() }} (

    select
        *,
        {{ file_of_row('shop.order_lines') }} as source_file
    from {{ source_rows(source('shop', 'order_lines'), 'shop.order_lines') }}
    {{- only_affected('order_id') }}

),

repeated as (

    {{ repeated_keys(key) }}

),

numbered as (

    {{ numbered_rows(columns, key, latest_arrival_first('shop.order_lines')) }}

),

renamed as (

    select
        {{ clean_text('numbered.order_id') }} as order_id,
        numbered.source_file,
        {{ read_integer('numbered.line_number') }} as line_number,
        numbered.occurrence,
        {{ clean_text('numbered.product_id') }} as product_id,
        {{ read_number('numbered.quantity') }} as quantity,
        {{ read_number('numbered.unit_price') }} as unit_price,
        {{ pack_columns(columns, 'numbered') }} as packed
    from numbered

),

judged as (

    select
        renamed.*,
        products.product_id is not null as is_product_known,
        case
            when renamed.order_id is null or renamed.line_number is null then 'missing_key'
            when renamed.occurrence > 1 then 'repeated_record'
            when orders.order_id is null then 'orphan_line'
            when orders.rejection_reason is not null then 'order_set_aside'
            when renamed.quantity is null or renamed.unit_price is null then 'unreadable_number'
            -- A barcode in the wrong field, which no amount of money could hold.
            when
                greatest(
                    abs(renamed.quantity),
                    abs(renamed.unit_price),
                    abs(renamed.quantity * renamed.unit_price)
                ) >= {{ var('largest_amount') }}
                then 'implausible_number'
            when renamed.quantity = 0 then 'zero_quantity'
            when renamed.unit_price < 0 then 'negative_price'
            when renamed.unit_price = 0 then 'zero_price'
        end as rejection_reason
    from renamed
    left join orders on renamed.order_id = orders.order_id
    left join products on renamed.product_id = products.product_id

),

final as (

    select
        order_id,
        line_number,
        occurrence,
        product_id,
        quantity,
        unit_price,
        source_file,
        {{ load_number() }} as loaded_in,
        rejection_reason,
        {{ list_flags({
            'unknown_product': source_is_on('shop.products') ~ ' and not is_product_known',
        }) }} as quality_flags,
        {{ raw_row('rejection_reason', 'packed') }} as raw_row
    from judged

)

select * from final
