-- A row here is a rule of an audience with a name that no customer can have, most likely a typing
-- error in the seed audience_rules: its audience would be empty without anybody noticing.
with known as (

    select
        'rfm_segment' as kind,
        rfm_segment as spelling
    from {{ ref('rfm_segments') }}

    union all

    select
        'rfm_segment' as kind,
        'Prospect' as spelling

    union all

    select
        'country' as kind,
        country_code as spelling
    from {{ ref('country_spellings') }}

    union all

    select
        'bought_category' as kind,
        category as spelling
    from {{ ref('int_category_days') }}

    union all

    -- Known to the project, though this dataset may sell nothing of it.
    select
        'bought_category' as kind,
        category as spelling
    from {{ ref('category_labels') }}

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
        'country' as kind,
        {{ seed_text('country') }} as spelling
    from {{ ref('audience_rules') }}

    union all

    select
        audience,
        rule_number,
        'bought_category' as kind,
        {{ seed_text('bought_category') }} as spelling
    from {{ ref('audience_rules') }}

)

select named.*
from named
left join known on named.kind = known.kind and named.spelling = known.spelling
where named.spelling is not null and known.spelling is null
