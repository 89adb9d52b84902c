-- One row per segment view, segment level and segment_id that ever was: name, size, what to do.
with as_of as (

    select * from {{ ref('int_as_of_date') }}

),

-- What a later date has named waits for its day.
segment_names as (

    select names.*
    from {{ ref('ml_segment_names') }} as names
    cross join as_of
    where names.first_seen_on <= as_of.as_of_date

),

views as (

    select * from {{ ref('segmentation_views') }}

),

stability as (

    select * from {{ ref('ml_segment_stability') }}
    where measure = 'bootstrap_jaccard'

),

-- The parts of a segment add up to it: so they are withheld among each other, and with it.
sized as (

    select
        *,
        {{ is_withheld_among(
            'customers', 'view, level, is_current, parent_segment_id', 'segment_id'
        ) }}
            as is_small,
        sum(case when is_current and level = 'segment' then customers end)
            over (partition by view) as all_customers
    from segment_names

),

related as (

    select
        sized.*,
        parents.segment as parent_segment,
        parents.segment_fr as parent_segment_fr,
        coalesce(sized.is_small, false)
        or coalesce(parents.is_small, false)
        or coalesce(grandparents.is_small, false) as is_withheld
    from sized
    left join sized as parents
        on
            sized.view = parents.view
            and sized.parent_segment_id = parents.segment_id
            and parents.level = {{ level_above('sized.level') }}
    left join sized as grandparents
        on
            parents.view = grandparents.view
            and parents.parent_segment_id = grandparents.segment_id
            and grandparents.level = {{ level_above('parents.level') }}

),

final as (

    select
        related.view as segment_view,
        related.level as segment_level,
        related.segment_id,
        views.label_en as view_label,
        views.label_fr as view_label_fr,
        related.parent_segment_id,
        related.parent_segment,
        related.parent_segment_fr,
        related.segment,
        related.segment_fr,
        related.description,
        related.description_fr,
        case when not related.is_withheld then related.evidence end as evidence,
        case when not related.is_withheld then related.evidence_fr end as evidence_fr,
        related.archetype,
        related.action,
        related.action_fr,
        case when not related.is_withheld then related.customers end as customers,
        case
            when not related.is_withheld
                then related.customers / cast(related.all_customers as double)
        end as customer_share,
        stability.label as stability,
        cast(stability.value as double) as stability_value,
        related.first_seen_on,
        related.view = '{{ var("segmentation_view") }}' as is_main_view,
        related.name_is_backed,
        related.is_current,
        related.is_withheld
    from related
    left join views on related.view = views.view
    left join stability
        on
            related.view = stability.view
            and related.level = stability.level
            and related.segment_id = stability.segment_id
            and related.is_current

)

select * from final
