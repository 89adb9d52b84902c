# One row per comparison (cutoffs, builds), feature and start of the step: what moved by how much.
from python_ext import drift, frames


def model(dbt, session):
    dbt.config(materialized="table")
    as_of = frames.to_pandas(dbt.ref("int_as_of_date"))["as_of_date"].iloc[0]
    rows = drift.list_drift(
        frames.to_pandas(dbt.ref("ml_feature_distributions")),
        as_of=as_of,
        limits=drift.DriftLimits(**dbt.config.get("limits")),
        floor=dbt.config.get("floor", 10),
    )
    return frames.typed_relation(rows, drift.DRIFT_SCHEMA, session)
