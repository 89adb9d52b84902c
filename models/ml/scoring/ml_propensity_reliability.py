# One row per target and bin of probabilities: predicted against actual, at the test cutoff.
from python_ext import frames, propensity


def model(dbt, session):
    dbt.config(materialized="table")
    key = ("customer_key", "cutoff_name", "target")
    scores = dbt.ref("ml_propensity_scores").filter("cutoff_name = 'test'")
    known = frames.join(scores, dbt.ref("int_customer_labels"), on=key, take="label")
    drawn = frames.sample(known, key=key, rows=dbt.config.get("sample_rows", 300000))
    judged = propensity.judge_reliability(
        frames.to_pandas(drawn),
        frames.to_pandas(dbt.ref("ml_propensity_models")),
        limits=dbt.config.get("group_limits", None),
        tolerance=dbt.config.get("calibration_tolerance", 0.02),
    )
    return frames.typed_relation(judged, propensity.RELIABILITY_SCHEMA, session)
