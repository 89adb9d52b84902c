-- One row per customer_key: recency, frequency and monetary value, scored and named.
with customers as (

    select * from {{ ref('int_customers_merged') }}

),

rfm_inputs as (

    select * from {{ ref('int_rfm_inputs') }}

),

buyers as (

    select * from {{ ref('int_purchases_measured') }} where cutoff_name = 'score'

),

rfm_segments as (

    select * from {{ ref('rfm_segments') }}

),

-- The middle of a value's ranks, as a share of all: equal values share one position, so that a tie
-- is never cut, and 0 is worst and 1 is best on each of the three.
positioned as (

    select
        *,
        {{ mid_rank('recency_days', 'desc') }} as r_position,
        {{ mid_rank('frequency', 'asc') }} as f_position,
        {{ mid_rank('monetary', 'asc') }} as m_position
    from rfm_inputs

),

scored as (

    select
        *,
        {{ fifth('r_position') }} as r_score,
        {{ fifth('f_position') }} as f_score,
        {{ fifth('m_position') }} as m_score
    from positioned

),

coded as (

    select
        *,
        cast(r_score as string) || cast(f_score as string) || cast(m_score as string) as rfm_code,
        {{ days_between('first_purchased_on', 'last_purchased_on') }}
        / nullif(cast(frequency - 1 as double), 0) as mean_interpurchase_days
    from scored

),

-- Who bought, but not within the window, is lost; who never bought is a prospect.
final as (

    select
        customers.customer_key,
        cast(coded.recency_days as bigint) as recency_days,
        cast(coalesce(coded.frequency, 0) as bigint) as frequency,
        cast(coalesce(coded.monetary, 0) as double) as monetary,
        cast(coded.average_order_value as double) as average_order_value,
        cast(coded.mean_interpurchase_days as double) as mean_interpurchase_days,
        coded.first_purchased_on,
        coded.last_purchased_on,
        coded.r_score,
        coded.f_score,
        coded.m_score,
        coded.rfm_code,
        case
            when coded.rfm_code is not null then rfm_segments.rfm_segment
            when buyers.customer_key is not null then 'Lost'
            else 'Prospect'
        end as rfm_segment,
        case
            when coded.rfm_code is not null then rfm_segments.rfm_segment_fr
            when buyers.customer_key is not null then 'Perdus'
            else 'Prospect'
        end as rfm_segment_fr
    from customers
    left join buyers on customers.customer_key = buyers.customer_key
    left join coded on customers.customer_key = coded.customer_key
    left join rfm_segments on coded.rfm_code = cast(rfm_segments.rfm_code as string)

)

select * from final
