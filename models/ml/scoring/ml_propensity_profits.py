# One row per target and percent contacted, most likely first: what it would have earned.
from python_ext import frames, propensity


def model(dbt, session):
    dbt.config(materialized="table")
    key = ("customer_key", "cutoff_name", "target")
    scores = dbt.ref("ml_propensity_scores").filter("cutoff_name = 'test'")
    known = frames.join(scores, dbt.ref("int_customer_labels"), on=key, take="label")
    drawn = frames.sample(known, key=key, rows=dbt.config.get("sample_rows", 300000))
    judged = propensity.judge_profits(
        frames.to_pandas(drawn),
        frames.to_pandas(dbt.ref("propensity_targets")),
        least_customers=dbt.config.get("k_anonymity", 10),
        seed=dbt.config.get("seed", 42),
    )
    return frames.typed_relation(judged, propensity.PROFITS_SCHEMA, session)
