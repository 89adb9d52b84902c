# One row per rule and pair of records: how likely they are one person, and what was decided.
from python_ext import frames, identity


def model(dbt, session):
    dbt.config(materialized="table")
    links = identity.link_records(
        frames.to_pandas(dbt.ref("int_identity_records")),
        frames.to_pandas(dbt.ref("int_identity_links")),
        model=identity.load_model(dbt.config.get("identity_model")),
        match_threshold=float(dbt.config.get("match_threshold")),
        max_records_per_key=int(dbt.config.get("max_records_per_key")),
        max_records_per_person=int(dbt.config.get("max_records_per_person")),
        twins_stay_apart=dbt.config.get("twins_stay_apart"),
    )
    return frames.typed_relation(links, identity.LINKS_SCHEMA, session)
