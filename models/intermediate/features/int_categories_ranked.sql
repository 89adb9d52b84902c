-- One row per product category, the largest first: which category stands behind taste_1 to taste_8.
with order_lines as (

    select * from {{ ref('int_order_lines_netted') }} where is_sale

),

first_cutoff as (

    select min(cutoff_on) as cutoff_on from {{ ref('int_cutoffs') }}

),

-- Ranked by what was sold before the earliest cutoff, so that no later sale shapes a feature.
totals as (

    select
        order_lines.category,
        sum(
            case
                when order_lines.ordered_at < first_cutoff.cutoff_on then order_lines.net_revenue
                else 0
            end
        ) as early_revenue
    from order_lines
    cross join first_cutoff
    where order_lines.category <> 'unknown'
    group by order_lines.category

),

final as (

    select
        category,
        row_number() over (order by early_revenue desc, category asc) as category_rank
    from totals

)

select * from final
