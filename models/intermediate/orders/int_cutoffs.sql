-- One row per cutoff: a date at which customers are described by what was known before it.
with as_of as (

    select * from {{ ref('int_as_of_date') }}

),

steps as (

    {%- for step in range(1 if var('cutoffs') == 'score' else var('max_train_cutoffs') + 2) %}
    select
        {{ step }} as step,
        {%- if step == 0 %}
        'score' as cutoff_name,
        'score' as split,
        {%- elif step == 1 %}
        'test' as cutoff_name,
        'test' as split,
        {%- else %}
        'train_{{ step - 1 }}' as cutoff_name,
        'train' as split,
        {%- endif %}
        {{ add_days('as_of_date', -step * var('horizon_days')) }} as cutoff_on,
        history_starts_on
    from as_of
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

final as (

    select
        cutoff_name,
        split,
        cutoff_on,
        {{ add_days('cutoff_on', var('horizon_days')) }} as label_ends_on
    from steps
    where
        step = 0
        or {{ days_between('history_starts_on', 'cutoff_on') }} >= {{ var('min_history_days') }}

)

select * from final
