-- The artefact of a champion is the one that was written, by its hash. A row here is a model that
-- was damaged or exchanged in the warehouse: scoring refuses it. Take it back with rollback_model,
-- or delete its rows and build again, and find out who wrote to the table.
select
    as_of_date,
    target,
    model_id
from {{ ref('ml_propensity_models') }}
where
    is_champion
    and (artefact is null or {{ sha256_hex('artefact') }} <> artefact_sha256)
