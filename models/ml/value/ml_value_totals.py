# One row per as-of date and model of revenue: what it promised in all at the test cutoff, and what came.
from python_ext import frames, lifetime_value


def model(dbt, session):
    dbt.config(materialized="table")
    totals = lifetime_value.sum_up_promises(frames.to_pandas(dbt.ref("ml_value_models")))
    return frames.typed_relation(totals, lifetime_value.TOTALS_SCHEMA, session)
