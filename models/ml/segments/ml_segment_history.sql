-- One row per customer_key and as_of_date on which the segment of the main view changed.
{{ config(materialized='incremental', incremental_strategy='rewrite', full_refresh=false) }}

with clusters as (

    select * from {{ ref('ml_customer_clusters') }} where view = '{{ var("segmentation_view") }}'

),

runs as (

    select * from {{ ref('ml_segment_models') }}
    where view = '{{ var("segmentation_view") }}' and is_chosen

),

as_of as (

    select as_of_date from {{ ref('int_as_of_date') }}

),

last_run as (

    select runs.model_id
    from runs
    cross join as_of
    where runs.as_of_date <= as_of.as_of_date
    qualify row_number() over (order by runs.as_of_date desc, runs.model_id asc) = 1

),

{%- if is_incremental() %}

-- Another view was the main one before: its numbers mean other segments.
models_of_others as (

    select distinct model_id
    from {{ ref('ml_segment_models') }}
    where
        is_chosen
        and model_id not in (select runs.model_id from runs where runs.model_id is not null)

),
{%- endif %}

-- Nothing is remembered of who may no longer be profiled, or is no longer there.
permissions as (

    select * from {{ ref('int_customer_permissions') }}

),

profiled as (

    select * from permissions where may_be_profiled

),

-- The first run looks one horizon back, so that it has something to compare with.
backcast as (

    select
        segments.customer_key,
        cutoffs.cutoff_on as as_of_date,
        segments.segment_id,
        segments.sub_segment_id,
        segments.micro_segment_id,
        'first_seen' as change_type,
        'segment' as changed_level,
        cast(null as string) as cause,
        segments.model_id,
        true as is_backcast
    from {{ ref('ml_segment_backcast') }} as segments
    inner join {{ ref('int_cutoffs') }} as cutoffs on cutoffs.cutoff_name = 'test'

),

stored as (

    {%- if is_incremental() %}
    select stored_rows.*
    from {{ this }} as stored_rows
    left join models_of_others on stored_rows.model_id = models_of_others.model_id
    where
        models_of_others.model_id is null
        and not (stored_rows.is_backcast and exists (select 1 from backcast))
        and not {{ was_provisional('stored_rows.as_of_date') }}
    {%- else %}
    select * from backcast where 1 = 0
    {%- endif %}

),

-- The history of another view waits until that one is the main view again.
of_others as (

    {%- if is_incremental() %}
    select stored_rows.*
    from {{ this }} as stored_rows
    inner join models_of_others on stored_rows.model_id = models_of_others.model_id
    cross join as_of
    left join permissions on stored_rows.customer_key = permissions.customer_key
    where {{ is_remembered('stored_rows') }}
    {%- else %}
    select * from backcast where 1 = 0
    {%- endif %}

),

-- Of people who turned out to be one: the history of the key that stays, else the longest other.
heirs as (

    select
        successors.old_customer_key,
        successors.customer_key,
        min(stored.as_of_date) as known_since
    from {{ ref('int_customer_keys_succeeded') }} as successors
    inner join stored on successors.old_customer_key = stored.customer_key
    left join stored as own_history on successors.customer_key = own_history.customer_key
    where own_history.customer_key is null
    group by successors.old_customer_key, successors.customer_key
    qualify row_number() over (
        partition by successors.customer_key
        order by known_since, successors.old_customer_key
    ) = 1

),

remembered as (

    select
        coalesce(heirs.customer_key, stored.customer_key) as customer_key,
        {{ all_but_of('stored', ['customer_key']) }}
    from stored
    left join heirs on stored.customer_key = heirs.old_customer_key
    cross join as_of
    left join permissions
        on coalesce(heirs.customer_key, stored.customer_key) = permissions.customer_key
    where {{ is_remembered('stored') }}
    union all
    select * from backcast where customer_key in (select profiled.customer_key from profiled)

),

last_state as (

    select remembered.*
    from remembered
    cross join as_of
    where remembered.as_of_date < as_of.as_of_date
    qualify row_number() over (
        partition by remembered.customer_key order by remembered.as_of_date desc
    ) = 1

),

compared as (

    select
        coalesce(clusters.customer_key, last_state.customer_key) as customer_key,
        clusters.segment_id,
        clusters.sub_segment_id,
        clusters.micro_segment_id,
        clusters.previous_model_segment_id,
        coalesce(clusters.model_id, last_run.model_id) as model_id,
        last_state.customer_key is null as is_first_seen,
        last_state.segment_id as old_segment_id,
        last_state.sub_segment_id as old_sub_segment_id,
        last_state.micro_segment_id as old_micro_segment_id
    from clusters
    full outer join last_state on clusters.customer_key = last_state.customer_key
    left join last_run on 1 = 1

),

described as (

    select
        compared.*,
        as_of.as_of_date,
        case
            when coalesce(compared.segment_id, 0) <> coalesce(compared.old_segment_id, 0)
                then 'segment'
            when coalesce(compared.sub_segment_id, 0) <> coalesce(compared.old_sub_segment_id, 0)
                then 'sub_segment'
            when compared.micro_segment_id <> compared.old_micro_segment_id then 'micro_segment'
        end as changed_level,
        -- In a first run, and where none was fitted, no other model could have moved anybody.
        exists (select 1 from backcast)
        or not {{ was_fitted_again('as_of.as_of_date') }} as is_one_model,
        -- Then nobody compared the models in between.
        coalesce(
            (
                select max(of_others.as_of_date) from of_others
                where of_others.as_of_date < as_of.as_of_date
            ) > (select max(last_state.as_of_date) from last_state),
            false
        ) as was_other_view
    from compared
    cross join as_of

),

changes as (

    select
        customer_key,
        as_of_date,
        segment_id,
        sub_segment_id,
        micro_segment_id,
        case
            when is_first_seen then 'first_seen'
            when segment_id is null then 'left'
            when old_segment_id is null then 'returned'
            else 'moved'
        end as change_type,
        changed_level,
        case
            when is_first_seen or was_other_view then cast(null as string)
            when segment_id is null or old_segment_id is null or is_one_model then 'customer'
            -- It is not known what the model before would have said.
            when changed_level <> 'segment' or previous_model_segment_id is null
                then cast(null as string)
            when old_segment_id = previous_model_segment_id then 'model'
            when previous_model_segment_id = segment_id then 'customer'
            else 'both'
        end as cause,
        model_id,
        false as is_backcast
    from described
    where changed_level is not null

),

-- What this date wrote before is written again; what a later date wrote waits for its day.
final as (

    select remembered.*
    from remembered
    cross join as_of
    where remembered.as_of_date <> as_of.as_of_date
    union all
    select * from changes
    union all
    select * from of_others

)

select * from final
