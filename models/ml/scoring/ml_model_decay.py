# One row per target, run and metric: the champion beside its own figure at promotion.
from python_ext import drift, frames


def model(dbt, session):
    dbt.config(materialized="table")
    as_of = frames.to_pandas(dbt.ref("int_as_of_date"))["as_of_date"].iloc[0]
    rows = drift.list_decay(
        frames.to_pandas(dbt.ref("ml_propensity_models")),
        as_of=as_of,
    )
    return frames.typed_relation(rows, drift.DECAY_SCHEMA, session)
