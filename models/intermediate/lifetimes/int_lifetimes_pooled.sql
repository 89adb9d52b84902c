-- One row per cutoff_name, x, t_x, t and repeat_order_value: how many customers share this history.
-- The likelihood of a lifetime model depends on these columns only.
with lifetimes as (

    select * from {{ ref('int_lifetimes_measured') }} where may_be_profiled

),

final as (

    select
        cutoff_name,
        cutoff_on,
        x,
        t_x,
        t,
        repeat_order_value,
        count(*) as customers,
        cast(sum(cast(sold_revenue as decimal(38, 4))) as double) as sold_revenue,
        cast(sum(cast(returned_revenue as decimal(38, 4))) as double) as returned_revenue,
        cast(sum(cast(net_revenue as decimal(38, 4))) as double) as net_revenue,
        cast(sum(cast(costed_revenue as decimal(38, 4))) as double) as costed_revenue,
        cast(sum(cast(costed_margin as decimal(38, 4))) as double) as costed_margin
    from lifetimes
    group by cutoff_name, cutoff_on, x, t_x, t, repeat_order_value

)

select * from final
