-- Whoever is eligible for a target that can be learned, and may be profiled, has a score, and
-- nobody else. A row here is a customer lost in scoring, or one scored without being eligible.
with labels as (

    select * from {{ ref('int_customer_labels') }}

),

learned as (

    {%- if var('cutoffs') == 'score' %}
    -- Without earlier cutoffs no label is known: what was learned is what is scored.
    select distinct target from {{ ref('customer_scores') }}
    {%- else %}
    select distinct labels.target
    from labels
    inner join {{ ref('customers') }} as customers
        on labels.customer_key = customers.customer_key and customers.may_be_profiled
    where labels.label is not null
    {%- endif %}

),

eligible as (

    select
        labels.customer_key,
        labels.target
    from labels
    inner join learned on labels.target = learned.target
    inner join {{ ref('customers') }} as customers
        on labels.customer_key = customers.customer_key and customers.may_be_profiled
    where labels.split = 'score'

)

select
    eligible.customer_key as customer_eligible,
    scores.customer_key as customer_scored
from eligible
full outer join {{ ref('customer_scores') }} as scores
    on eligible.customer_key = scores.customer_key and eligible.target = scores.target
where eligible.customer_key is null or scores.customer_key is null
