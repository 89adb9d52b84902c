-- One row per customer_key and cutoff: how the spending before it spreads over categories.
with order_lines as (

    select * from {{ ref('int_order_lines_netted') }}
    where is_sale and customer_key is not null and category <> 'unknown'

),

categories as (

    select * from {{ ref('int_categories_ranked') }}

),

cutoffs as (

    select
        *,
        coalesce(
            lag(cutoff_on) over (order by cutoff_on), cast('1900-01-01' as date)
        ) as period_starts_on
    from {{ ref('int_cutoffs') }}

),

-- Lines are summed once per period between two cutoffs; a cutoff then adds up its periods.
spent_by_period as (

    select
        order_lines.customer_key,
        order_lines.category,
        cutoffs.cutoff_on as period_ends_on,
        min(order_lines.ordered_at) as first_bought_at,
        max(order_lines.ordered_at) as last_event_at,
        sum(order_lines.gross_revenue) as spent
    from order_lines
    inner join cutoffs
        on
            order_lines.ordered_at >= cutoffs.period_starts_on
            and order_lines.ordered_at < cutoffs.cutoff_on
    group by order_lines.customer_key, order_lines.category, cutoffs.cutoff_on

),

spent as (

    select
        spent_by_period.customer_key,
        cutoffs.cutoff_name,
        cutoffs.cutoff_on,
        spent_by_period.category,
        categories.category_rank,
        min(spent_by_period.first_bought_at) as first_bought_at,
        max(spent_by_period.last_event_at) as last_event_at,
        cast(sum(spent_by_period.spent) as double) as spent
    from spent_by_period
    inner join cutoffs on spent_by_period.period_ends_on <= cutoffs.cutoff_on
    -- One that is new since the ranking was made counts as any other, but has no taste of its own.
    left join categories on spent_by_period.category = categories.category
    group by
        spent_by_period.customer_key,
        cutoffs.cutoff_name,
        cutoffs.cutoff_on,
        spent_by_period.category,
        categories.category_rank

),

shares as (

    select
        customer_key,
        cutoff_name,
        cutoff_on,
        category,
        category_rank,
        first_bought_at,
        last_event_at,
        spent
        / nullif(round(sum(spent) over (partition by customer_key, cutoff_name), 4), 0) as share,
        row_number() over (
            partition by customer_key, cutoff_name
            order by spent desc, category_rank asc nulls last, category asc
        ) as favourite_place,
        row_number() over (
            partition by customer_key, cutoff_name
            order by first_bought_at desc, category_rank asc nulls last, category asc
        ) as newest_place
    from spent

),

final as (

    select
        customer_key,
        cutoff_name,
        {%- for rank in range(1, 9) %}
        sum(case when category_rank = {{ rank }} then share else 0 end) as taste_{{ rank }},
        {%- endfor %}
        round(-sum(case when share > 0 then share * ln(share) else 0 end), 9) as category_entropy,
        count(*) as categories_bought,
        max(case when favourite_place = 1 then category end) as favourite_category,
        max(case when newest_place = 1 then category end) as newest_category,
        {{ days_between('max(cast(first_bought_at as date))', 'min(cutoff_on)') }}
            as days_since_new_category,
        max(last_event_at) as last_event_at
    from shares
    group by customer_key, cutoff_name

)

select * from final
