# One row per target, algorithm, split and metric.
from python_ext import frames, propensity


def model(dbt, session):
    dbt.config(materialized="table")
    figures = propensity.list_metrics(frames.to_pandas(dbt.ref("ml_propensity_models")))
    return frames.typed_relation(figures, propensity.METRICS_SCHEMA, session)
