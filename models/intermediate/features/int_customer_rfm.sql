-- One row per customer_key: recency, frequency and monetary value, scored, named and numbered.
with customers as (

    select * from {{ ref('int_customers_merged') }}

),

permissions as (

    select * from {{ ref('int_customer_permissions') }}

),

rfm_inputs as (

    select
        rfm_inputs.*,
        permissions.may_be_profiled
    from {{ ref('int_rfm_inputs') }} as rfm_inputs
    inner join permissions on rfm_inputs.customer_key = permissions.customer_key

),

buyers as (

    select * from {{ ref('int_purchases_measured') }} where cutoff_name = 'score'

),

rfm_segments as (

    select * from {{ ref('rfm_segments') }}

),

-- The middle of a value's ranks, as a share of all who may be profiled: equal values share one
-- position, so that a tie is never cut, and 0 is worst and 1 is best on each of the three.
positioned as (

    select
        *,
        {{ mid_rank('recency_days', 'desc') }} as r_position,
        {{ mid_rank('frequency', 'asc') }} as f_position,
        {{ mid_rank('monetary', 'asc') }} as m_position
    from rfm_inputs
    where may_be_profiled

),

scored as (

    select
        *,
        {{ fifth('r_position') }} as r_score,
        {{ fifth('f_position') }} as f_score,
        {{ fifth('m_position') }} as m_score
    from positioned

),

-- A name has one number, whichever of its codes a customer has.
lost as (

    select max(rfm_segment_id) as rfm_segment_id from rfm_segments where rfm_segment = 'Lost'

),

coded as (

    select
        *,
        cast(r_score as string) || cast(f_score as string) || cast(m_score as string) as rfm_code,
        {{ days_between('first_purchased_on', 'last_purchased_on') }}
        / nullif(cast(frequency - 1 as double), 0) as mean_interpurchase_days
    from scored

),

-- Who bought, but not within the window, is lost; who never bought is a prospect. Of who may not be
-- profiled only what an account statement says is given: what was bought in all, and when.
final as (

    select
        customers.customer_key,
        cast(coded.recency_days as bigint) as recency_days,
        cast(coalesce(rfm_inputs.frequency, 0) as bigint) as frequency,
        cast(coalesce(rfm_inputs.monetary, 0) as double) as monetary,
        cast(coded.average_order_value as double) as average_order_value,
        cast(coded.mean_interpurchase_days as double) as mean_interpurchase_days,
        rfm_inputs.first_purchased_on,
        rfm_inputs.last_purchased_on,
        coded.r_score,
        coded.f_score,
        coded.m_score,
        coded.rfm_code,
        case
            when not permissions.may_be_profiled then 'Not profiled'
            when coded.rfm_code is not null then rfm_segments.rfm_segment
            when buyers.customer_key is not null then 'Lost'
            else 'Prospect'
        end as rfm_segment,
        case
            when not permissions.may_be_profiled then 'Non profilés'
            when coded.rfm_code is not null then rfm_segments.rfm_segment_fr
            when buyers.customer_key is not null then 'Perdus'
            else 'Prospect'
        end as rfm_segment_fr,
        case
            when not permissions.may_be_profiled then null
            when coded.rfm_code is not null then rfm_segments.rfm_segment_id
            when buyers.customer_key is not null then lost.rfm_segment_id
        end as rfm_segment_id
    from customers
    inner join permissions on customers.customer_key = permissions.customer_key
    cross join lost
    left join buyers on customers.customer_key = buyers.customer_key
    left join rfm_inputs on customers.customer_key = rfm_inputs.customer_key
    left join coded on customers.customer_key = coded.customer_key
    left join rfm_segments on coded.rfm_code = cast(rfm_segments.rfm_code as string)

)

select * from final
