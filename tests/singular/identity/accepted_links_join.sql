-- Two records of an accepted link have one customer_key: else the grouping is broken.
with links as (

    select * from {{ ref('ml_identity_links') }} where is_accepted

),

identities as (

    select * from {{ ref('ml_customer_identities') }}

)

select
    links.record_id_a,
    links.record_id_b
from links
inner join identities as one on links.record_id_a = one.record_id
inner join identities as other on links.record_id_b = other.record_id
where one.customer_key <> other.customer_key
