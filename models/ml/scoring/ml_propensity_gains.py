# One row per target and tenth of the customers, most likely first: what it held.
from python_ext import frames, propensity


def model(dbt, session):
    dbt.config(materialized="table")
    key = ("customer_key", "cutoff_name", "target")
    scores = dbt.ref("ml_propensity_scores").filter("cutoff_name = 'test'")
    known = frames.join(scores, dbt.ref("int_customer_labels"), on=key, take="label")
    drawn = frames.sample(known, key=key, rows=dbt.config.get("sample_rows", 300000))
    targets = frames.to_pandas(dbt.ref("propensity_targets"))
    judged = propensity.judge_gains(
        frames.to_pandas(drawn),
        targets,
        seed=dbt.config.get("seed", 42),
    )
    return frames.typed_relation(judged, propensity.GAINS_SCHEMA, session)
