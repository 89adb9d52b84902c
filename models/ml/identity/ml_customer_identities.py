# One row per record_id: the person behind it.
from python_ext import frames, identity


def model(dbt, session):
    dbt.config(materialized="table")
    allowed = dbt.config.get("demo_secret_allowed", False)
    persons = identity.resolve_identities(
        frames.to_pandas(dbt.ref("int_identity_records")),
        frames.to_pandas(dbt.ref("int_identity_links")),
        secret=identity.read_secret(demo_secret_allowed=allowed),
    )
    return frames.typed_relation(persons, identity.SCHEMA, session)
