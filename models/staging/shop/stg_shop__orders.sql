-- One row per row of shop.orders, an order or a return document.
{{- built_by_arrival('order_id') }}
{%- set columns = [
    'order_id', 'customer_id', 'guest_email', 'ordered_at', 'status', 'channel', 'currency',
    'discount_amount',
] %}
{%- set key = [clean_text('order_id')] %}

with retention as (

    select * from {{ ref('retention') }}
    where source_name = 'shop' and table_name = 'orders'

),

{% if is_incremental() -%}
affected as (

    {{ affected_keys(source('shop', 'orders'), 'shop.orders', 'order_id', 'ordered_at') }}

),

{% endif -%}
source as {{ affected_or_anew() }} (

    select
        *,
        {{ file_of_row('shop.orders') }} as source_file
    from {{ source_rows(source('shop', 'orders'), 'shop.orders') }}
    {{- only_affected('order_id') }}

),

exchange_rates as (

    select * from {{ ref('exchange_rates') }}

),

spellings as (

    select * from {{ ref('value_spellings') }}

),

statuses as (

    {{ codes_of('status', 'order_status', source('shop', 'orders'), 'shop.orders') }}

),

channels as (

    {{ codes_of('channel', 'order_channel', source('shop', 'orders'), 'shop.orders') }}

),

placeholders as (

    select * from {{ ref('placeholder_values') }}

),

currencies as (

    select * from {{ ref('value_spellings') }} where domain = 'currency'

),

repeated as (

    {{ repeated_keys(key) }}

),

numbered as (

    {{ numbered_rows(
        columns, key, latest_arrival_first('shop.orders') + [parse_timestamp('ordered_at') ~ ' asc']
    ) }}

),

renamed as (

    select
        {{ clean_text('numbered.order_id') }} as order_id,
        numbered.source_file,
        numbered.occurrence,
        {{ clean_text('numbered.customer_id') }} as customer_id,
        case
            when placeholders.spelling is null then {{ clean_email('numbered.guest_email') }}
        end as guest_email,
        cast(numbered.guest_email as string) as guest_email_raw,
        coalesce(statuses.code, 'completed') as status,
        cast(numbered.status as string) as status_raw,
        channels.code as channel,
        cast(numbered.channel as string) as channel_raw,
        coalesce(currencies.code, upper({{ clean_text('numbered.currency') }})) as currency,
        cast(numbered.currency as string) as currency_raw,
        coalesce({{ read_number('numbered.discount_amount') }}, 0) as discount_amount,
        {{ clean_text('numbered.discount_amount') }} as discount_amount_raw,
        {{ parse_timestamp('numbered.ordered_at') }} as ordered_at,
        {{ raw_date('numbered.ordered_at') }} as ordered_at_raw,
        {{ pack_columns(columns, 'numbered') }} as packed
    from numbered
    left join statuses on numbered.status = statuses.written
    left join channels on numbered.channel = channels.written
    left join currencies
        on lower({{ clean_text('numbered.currency') }}) = currencies.spelling
    left join placeholders
        on
            placeholders.domain = 'email'
            and {{ email_name('numbered.guest_email') }} = placeholders.spelling

),

judged as (

    select
        renamed.*,
        exchange_rates.euros_per_unit,
        renamed.discount_amount < 0
        or (
            renamed.discount_amount_raw is not null
            and {{ read_number('renamed.discount_amount_raw') }} is null
        ) as is_discount_unusable,
        case
            when renamed.order_id is null then 'missing_key'
            when renamed.occurrence > 1 then 'repeated_record'
            when renamed.ordered_at is null then 'unreadable_date'
            when {{ is_in_future('renamed.ordered_at') }} then 'future_date'
            when {{ is_before_records('renamed.ordered_at') }} then 'implausible_date'
            when renamed.status not in ('completed', 'cancelled', 'returned') then 'unknown_value'
            when exchange_rates.currency is null then 'unknown_currency'
        end as rejection_reason
    from renamed
    left join exchange_rates on renamed.currency = exchange_rates.currency

),

staged as (

    select
        order_id,
        occurrence,
        customer_id,
        case when customer_id is null then guest_email end as guest_email,
        guest_email_raw,
        status,
        status_raw,
        channel,
        channel_raw,
        currency,
        currency_raw,
        euros_per_unit,
        greatest(discount_amount, 0) as discount_amount,
        discount_amount_raw,
        is_discount_unusable,
        ordered_at,
        ordered_at_raw,
        source_file,
        {{ load_number() }} as loaded_in,
        rejection_reason,
        {{ list_flags({
            'unusable_discount': 'is_discount_unusable',
            'broken_email': "guest_email_raw is not null and coalesce(customer_id, guest_email) is null and "
            ~ clean_text('guest_email_raw') ~ ' is not null',
            'unknown_channel': "channel not in ('web', 'store')",
        }) }} as quality_flags,
        {{ raw_row('rejection_reason', 'packed') }} as raw_row
    from judged

),

final as (

    {{ guarded_rows(
        'ordered_at',
        personal=['customer_id', 'guest_email', 'guest_email_raw'],
        forgotten=is_suppressed('customer_id', 'customer_id')
        ~ ' or ' ~ is_suppressed('email', 'guest_email'),
        is_kept=true,
        since=kept_since(source('shop', 'orders'), 'shop.orders', 'ordered_at'),
    ) }}

)

select * from final
