# One row per record_key and customer_key it ever held. It remembers, so no rebuild drops it.
from python_ext import frames, identity


def model(dbt, session):
    dbt.config(materialized="incremental", unique_key=["record_key", "customer_key"])
    grouped = identity.group_records(
        frames.to_pandas(dbt.ref("int_identity_records")),
        frames.to_pandas(dbt.ref("ml_identity_links")),
        secret=identity.read_secret(
            demo_secret_allowed=dbt.config.get("demo_secret_allowed", False)
        ),
    )
    memory = frames.to_pandas(session.table(str(dbt.this))) if dbt.is_incremental else None
    as_of = frames.to_pandas(dbt.ref("int_as_of_date"))["as_of_date"].iloc[0]
    keys = identity.remember_keys(grouped, memory, as_of=as_of)
    return frames.typed_relation(keys, identity.KEYS_SCHEMA, session)
