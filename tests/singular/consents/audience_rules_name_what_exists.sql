-- A row here is a rule of an audience with a name that no customer can have, most likely a typing
-- error in the seed audience_rules: its audience would be empty without anybody noticing.
with known as (

    select
        'rfm_segment' as condition,
        rfm_segment as name
    from {{ ref('rfm_segments') }}

    union all

    select
        'segment' as condition,
        name_en as name
    from {{ ref('segment_archetypes') }}

    union all

    -- A segment that resembles no kind has a name of its own.
    select
        'segment' as condition,
        segment as name
    from {{ ref('customer_segments') }}
    where segment_id <> -1

    union all

    select
        'rfm_segment' as condition,
        'Prospect' as name

    union all

    select
        'country' as condition,
        country_code as name
    from {{ ref('country_spellings') }}

),

named as (

    select
        audience,
        rule_number,
        'rfm_segment' as condition,
        rfm_segment as name
    from {{ ref('audience_rules') }}

    union all

    select
        audience,
        rule_number,
        'segment' as condition,
        segment as name
    from {{ ref('audience_rules') }}

    union all

    select
        audience,
        rule_number,
        'country' as condition,
        country as name
    from {{ ref('audience_rules') }}

)

select named.*
from named
left join known on named.condition = known.condition and named.name = known.name
where named.name is not null and known.name is null
