-- Whoever gives the scores of today was judged at the test cutoff, where outcomes are known. A row
-- here is a model in use of which nobody can say how good it is: do not publish its scores.
with scored as (

    select distinct
        target,
        model_id
    from {{ ref('customer_scores') }}

),

-- With an outcome at the test cutoff there is something to judge by.
judgeable as (

    select distinct labels.target
    from {{ ref('int_customer_labels') }} as labels
    inner join {{ ref('customers') }} as customers
        on labels.customer_key = customers.customer_key and customers.may_be_profiled
    where labels.cutoff_name = 'test' and labels.label is not null

)

select
    scored.target,
    scored.model_id
from scored
inner join judgeable on scored.target = judgeable.target
left join {{ ref('model_reliability') }} as judged
    on scored.target = judged.target and scored.model_id = judged.model_id
where judged.model_id is null
