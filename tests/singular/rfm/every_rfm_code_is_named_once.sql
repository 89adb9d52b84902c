-- The seed names each of the 125 codes exactly once. A row here is a code without a name, with two,
-- or one that cannot occur.
with scores as (

    select 1 as score

    union all

    select 2 as score

    union all

    select 3 as score

    union all

    select 4 as score

    union all

    select 5 as score

),

codes as (

    select cast(r.score as string) || cast(f.score as string) || cast(m.score as string) as rfm_code
    from scores as r
    cross join scores as f
    cross join scores as m

),

named as (

    select
        cast(rfm_code as string) as rfm_code,
        count(*) as names
    from {{ ref('rfm_segments') }}
    group by rfm_code

)

select
    codes.rfm_code as code_possible,
    named.rfm_code as code_named,
    named.names
from codes
full outer join named on codes.rfm_code = named.rfm_code
where codes.rfm_code is null or named.rfm_code is null or named.names <> 1
