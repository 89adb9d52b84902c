# One row per record_id: the person behind it.
from python_ext import frames, identity


def model(dbt, session):
    dbt.config(materialized="table")
    persons = identity.resolve_identities(
        frames.to_pandas(dbt.ref("int_identity_records")),
        frames.to_pandas(dbt.ref("ml_identity_links")),
        secret=identity.read_secret(
            demo_secret_allowed=dbt.config.get("demo_secret_allowed", False)
        ),
        remembered=frames.to_pandas(dbt.ref("ml_record_keys")),
        max_people_per_household=int(dbt.config.get("max_people_per_household")),
    )
    return frames.typed_relation(persons, identity.SCHEMA, session)
