# One row per target, attribute and group of customers: for whom the champion is good.
from python_ext import frames, propensity


def model(dbt, session):
    dbt.config(materialized="table")
    key = ("customer_key", "cutoff_name", "target")
    scores = dbt.ref("ml_propensity_scores").filter("cutoff_name = 'test'")
    known = frames.join(scores, dbt.ref("int_customer_labels"), on=key, take="label")
    drawn = frames.sample(known, key=key, rows=dbt.config.get("sample_rows", 300000))
    judged = propensity.judge_all_groups(
        frames.to_pandas(drawn),
        frames.to_pandas(dbt.ref("propensity_targets")),
        frames.to_pandas(dbt.ref("int_customer_attributes").filter("may_be_profiled")),
        frames.to_pandas(dbt.ref("ml_test_segments")),
        fairness=dbt.config.get("fairness_attributes", ["gender", "age_band", "region"]),
        limits=dbt.config.get("group_limits", None),
        least_customers=dbt.config.get("k_anonymity", 10),
    )
    return frames.typed_relation(judged, propensity.GROUPS_SCHEMA, session)
