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
        true as is_backcast,
        false as is_of_another_view
    from {{ ref('ml_segment_backcast') }} as segments
    inner join {{ ref('int_cutoffs') }} as cutoffs on cutoffs.cutoff_name = 'test'

),

stored as (

    {%- if is_incremental() %}
    select * from (
        select *, {{ is_of_another_view('model_id') }} as is_of_another_view from {{ this }}
    ) as noted
    where
        is_of_another_view
        or not (is_backcast and exists (select 1 from backcast))
        and not {{ was_provisional('as_of_date') }}
    union all
    {%- endif %}
    select * from backcast

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

-- Nothing is remembered of who may no longer be profiled, or is no longer there; but who is known
-- from a later date on is not forgotten by a look back.
remembered as (

    select
        coalesce(heirs.customer_key, stored.customer_key) as customer_key,
        {{ all_but_of('stored', ['customer_key']) }}
    from stored
    cross join as_of
    left join heirs on stored.customer_key = heirs.old_customer_key
    left join {{ ref('int_customer_permissions') }} as permissions
        on coalesce(heirs.customer_key, stored.customer_key) = permissions.customer_key
    where
        permissions.may_be_profiled
        or (permissions.customer_key is null and stored.as_of_date > as_of.as_of_date)

),

last_state as (

    select remembered.*
    from remembered
    where
        not remembered.is_of_another_view
        and remembered.as_of_date < (select as_of.as_of_date from as_of)
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
        coalesce(clusters.model_id, last_state.model_id) as model_id,
        last_state.customer_key is null as is_first_seen,
        last_state.segment_id as old_segment_id,
        last_state.sub_segment_id as old_sub_segment_id,
        last_state.micro_segment_id as old_micro_segment_id
    from clusters
    full outer join last_state on clusters.customer_key = last_state.customer_key

),

described as (

    select
        compared.*,
        as_of.as_of_date,
        {{ highest_level_changed('compared') }} as changed_level,
        -- In a first run, and where none was fitted, no other model could have moved anybody.
        exists (select 1 from backcast)
        or not {{ was_fitted_again('as_of.as_of_date') }} as is_one_model,
        {{ was_another_view() }} as was_another_view
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
            when is_first_seen or was_another_view then cast(null as string)
            when segment_id is null or old_segment_id is null or is_one_model then 'customer'
            -- It is not known what the model before would have said.
            when changed_level <> 'segment' or previous_model_segment_id is null
                then cast(null as string)
            when old_segment_id = previous_model_segment_id then 'model'
            when previous_model_segment_id = segment_id then 'customer'
            else 'both'
        end as cause,
        model_id,
        false as is_backcast,
        false as is_of_another_view
    from described
    where changed_level is not null

),

-- What this date wrote before is written again; what a later date wrote waits for its day, and that
-- of another view for when it is the main one again.
final as (

    select * from remembered
    where is_of_another_view or as_of_date <> (select as_of.as_of_date from as_of)
    union all
    select * from changes

)

select {{ all_but_of('final', ['is_of_another_view']) }} from final
