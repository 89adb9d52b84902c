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
    before = frames.previous(dbt, session)
    as_of = frames.to_pandas(dbt.ref("int_as_of_date"))["as_of_date"].iloc[0]
    memory = None if before is None else frames.to_pandas(before)
    keys = identity.remember_keys(grouped, memory, as_of=as_of)
    return frames.typed_relation(keys, identity.KEYS_SCHEMA, session)
