-- One row per active target: what is predicted, of whom, from when to when, and what it is worth.
with targets as (

    select * from {{ ref('propensity_targets') }} where is_active

),

cutoffs as (

    select
        min(case when split = 'train' then cutoff_on end) as first_train_on,
        max(case when split = 'train' then cutoff_on end) as last_train_on,
        count(case when split = 'train' then cutoff_on end) as train_cutoffs,
        max(case when split = 'test' then cutoff_on end) as test_on,
        max(case when split = 'score' then cutoff_on end) as score_on
    from {{ ref('int_cutoffs') }}

),

final as (

    select
        targets.target,
        targets.label_en,
        targets.label_fr,
        targets.description_en,
        targets.description_fr,
        targets.eligibility,
        case targets.eligibility
            {%- for name, known in target_conditions().items() %}
            when '{{ name }}' then '{{ known.condition | replace("'", "''") }}'
            {%- endfor %}
        end as eligibility_condition,
        targets.happens,
        coalesce(targets.horizon_days, {{ var('horizon_days') }}) as horizon_days,
        targets.contact_cost,
        targets.hit_gain,
        cutoffs.first_train_on,
        cutoffs.last_train_on,
        cutoffs.train_cutoffs,
        cutoffs.test_on,
        cutoffs.score_on
    from targets
    cross join cutoffs

)

select * from final
