-- One row per row of shop.orders, an order or a return document.
with source as (

    select * from {{ source_rows(source('shop', 'orders'), 'shop.orders') }}

),

exchange_rates as (

    select * from {{ ref('exchange_rates') }}

),

renamed as (

    select
        {{ clean_text('order_id') }} as order_id,
        {{ clean_text('customer_id') }} as customer_id,
        {{ clean_email('guest_email') }} as guest_email,
        lower({{ clean_text('status') }}) as status,
        lower({{ clean_text('channel') }}) as channel,
        upper({{ clean_text('currency') }}) as currency,
        coalesce(try_cast(discount_amount as double), 0) as discount_amount,
        {{ clean_text('discount_amount') }} is not null
        and try_cast(discount_amount as double) is null as is_discount_unreadable,
        try_cast(ordered_at as timestamp) as ordered_at
    from source

),

numbered as (

    select
        *,
        row_number() over (
            partition by order_id
            order by
                ordered_at nulls last,
                customer_id nulls last,
                guest_email nulls last,
                status nulls last,
                channel nulls last,
                currency nulls last,
                discount_amount
        ) as occurrence
    from renamed

),

final as (

    select
        numbered.order_id,
        numbered.occurrence,
        numbered.customer_id,
        case when numbered.customer_id is null then numbered.guest_email end as guest_email,
        coalesce(numbered.status, 'completed') as status,
        numbered.channel,
        numbered.currency,
        exchange_rates.euros_per_unit,
        greatest(numbered.discount_amount, 0) as discount_amount,
        numbered.discount_amount < 0 or numbered.is_discount_unreadable as is_discount_unusable,
        numbered.ordered_at,
        case
            when numbered.order_id is null then 'missing_key'
            when numbered.occurrence > 1 then 'repeated_record'
            when numbered.ordered_at is null then 'unreadable_date'
            when {{ is_in_future('numbered.ordered_at') }} then 'future_date'
            when {{ is_before_records('numbered.ordered_at') }} then 'implausible_date'
            when numbered.status not in ('completed', 'cancelled', 'returned') then 'unknown_value'
            when exchange_rates.currency is null then 'unknown_currency'
        end as rejection_reason
    from numbered
    left join exchange_rates on numbered.currency = exchange_rates.currency

)

select * from final
