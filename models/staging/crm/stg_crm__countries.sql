-- One row per spelling of a country in crm.customers: the ISO code it means, mistyped or not.
with source as (

    select * from {{ source_rows(source('crm', 'customers'), 'crm.customers') }}

),

known as (

    select * from {{ ref('country_spellings') }}

),

written as (

    select distinct {{ fold_spelling('country') }} as spelling
    from source
    where {{ fold_spelling('country') }} is not null

),

matched as (

    select
        written.spelling,
        known.country_code
    from written
    left join known on written.spelling = known.spelling

),

-- One slip in a name of five letters or more, two from nine letters on. Only what no list knows is
-- compared, once per spelling.
distances as (

    select
        matched.spelling,
        known.country_code,
        min({{ count_slips('matched.spelling', 'known.spelling') }}) as slips
    from matched
    inner join known
        on
            length(known.spelling) >= 5
            and abs(length(known.spelling) - length(matched.spelling)) <= 2
            and {{ count_slips('matched.spelling', 'known.spelling') }}
            <= case when length(matched.spelling) >= 9 then 2 else 1 end
    where matched.country_code is null and length(matched.spelling) >= 5
    group by matched.spelling, known.country_code

),

nearest as (

    select
        spelling,
        min(slips) as fewest_slips
    from distances
    group by spelling

),

-- Two countries as near as each other: nobody knows which was meant.
corrected as (

    select
        distances.spelling,
        max(distances.country_code) as country_code
    from distances
    inner join nearest
        on distances.spelling = nearest.spelling and distances.slips = nearest.fewest_slips
    group by distances.spelling
    having count(*) = 1

),

final as (

    select
        matched.spelling,
        coalesce(matched.country_code, corrected.country_code) as country_code,
        matched.country_code is null and corrected.country_code is not null as is_corrected
    from matched
    left join corrected on matched.spelling = corrected.spelling

)

select * from final
