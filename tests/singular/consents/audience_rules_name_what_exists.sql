-- A row here is a rule of an audience with a name that no customer can have, most likely a typing
-- error in the seed audience_rules: its audience would be empty without anybody noticing.
with known as (

    select
        'rfm_segment' as kind,
        rfm_segment as spelling
    from {{ ref('rfm_segments') }}

    union all

    select
        'segment' as kind,
        name_en as spelling
    from {{ ref('segment_archetypes') }}

    union all

    -- A segment that resembles no kind has a spelling of its own.
    select
        'segment' as kind,
        segment as spelling
    from {{ ref('customer_segments') }}
    where segment_id <> -1

    union all

    select
        'rfm_segment' as kind,
        'Prospect' as spelling

    union all

    select
        'country' as kind,
        country_code as spelling
    from {{ ref('country_spellings') }}

),

named as (

    select
        audience,
        rule_number,
        'rfm_segment' as kind,
        {{ seed_text('rfm_segment') }} as spelling
    from {{ ref('audience_rules') }}

    union all

    select
        audience,
        rule_number,
        'segment' as kind,
        {{ seed_text('segment') }} as spelling
    from {{ ref('audience_rules') }}

    union all

    select
        audience,
        rule_number,
        'country' as kind,
        {{ seed_text('country') }} as spelling
    from {{ ref('audience_rules') }}

)

select named.*
from named
left join known on named.kind = known.kind and named.spelling = known.spelling
where named.spelling is not null and known.spelling is null
