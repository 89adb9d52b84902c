-- One row per build: the date every "today" in this project means.
with orders as (

    select * from {{ ref('stg_shop__orders') }} where rejection_reason is null

),

final as (

    select
        {%- if var('as_of_date') %}
        cast('{{ var("as_of_date") }}' as date) as as_of_date,
        {%- else %}
        {{ add_days('cast(max(ordered_at) as date)', 1) }} as as_of_date,
        {%- endif %}
        cast(min(ordered_at) as date) as history_starts_on
    from orders

)

select * from final
