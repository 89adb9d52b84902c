-- A row here is a rule of an audience with a segment that no customer has: a typing error in the
-- seed audience_rules, a segment that is no more, or a name of another dataset. Nobody meets it.
{{ config(severity='warn') }}

with segments as (

    select * from {{ ref('segments') }} where is_current

),

known as (

    select
        case when is_main_view then segment_level else segment_view || '_segment' end as kind,
        segment as spelling
    from segments
    where is_main_view or segment_level = 'segment'

    union all

    select
        segment_view || '_segment' as kind,
        segment as spelling
    from segments
    where segment_level = 'segment'

    union all

    select
        'segment_id' as kind,
        cast(segment_id as string) as spelling
    from segments
    where is_main_view and segment_level = 'segment'

    union all

    -- Who never bought is segment 0.
    select
        'segment' as kind,
        'Prospect' as spelling

    union all

    select
        'segment_id' as kind,
        '0' as spelling

),

named as (

    {%- for column in [
        'segment', 'sub_segment', 'micro_segment', 'behaviour_segment', 'engagement_segment',
        'value_segment', 'taste_segment', 'psychographics_segment'
    ] %}
    select
        audience,
        rule_number,
        '{{ column }}' as kind,
        {{ seed_text(column) }} as spelling
    from {{ ref('audience_rules') }}

    union all
    {% endfor %}
    select
        audience,
        rule_number,
        'segment_id' as kind,
        cast(segment_id as string) as spelling
    from {{ ref('audience_rules') }}

)

select named.*
from named
left join known on named.kind = known.kind and named.spelling = known.spelling
where named.spelling is not null and known.spelling is null
