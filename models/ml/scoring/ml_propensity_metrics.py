# One row per target, model, split and metric of the latest run.
from python_ext import frames, propensity


def model(dbt, session):
    dbt.config(materialized="table")
    models = frames.to_pandas(dbt.ref("ml_propensity_models"))
    as_of = frames.to_pandas(dbt.ref("int_as_of_date"))["as_of_date"].iloc[0]
    figures = propensity.list_metrics(models, as_of=as_of)
    return frames.typed_relation(figures, propensity.METRICS_SCHEMA, session)
