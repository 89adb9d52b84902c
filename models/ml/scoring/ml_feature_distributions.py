# One row per as-of date, cutoff, feature and reference: how features and scores were distributed.
from python_ext import drift, features, frames


def model(dbt, session):
    dbt.config(materialized="incremental", unique_key="as_of_date")
    as_of = frames.to_pandas(dbt.ref("int_as_of_date"))["as_of_date"].iloc[0]
    rows = dbt.config.get("sample_rows", 120000)
    known = dbt.ref("int_customer_features").filter("may_be_profiled")
    learning = features.select_features(
        frames.to_pandas(dbt.ref("feature_definitions")),
        known.columns,
        purpose="propensity",
        kinds=("number", "category"),
        sources=dbt.config.get("sources", {}),
    )
    scores = dbt.ref("ml_propensity_scores")
    scored = ("target", "cutoff_name", "customer_key")
    before = frames.previous(dbt, session)
    distributions = drift.remember_distributions(
        frames.to_pandas(frames.sample(known, key=("customer_key", "cutoff_name"), rows=rows)),
        learning,
        frames.to_pandas(frames.sample(scores, key=scored, rows=rows)),
        None if before is None else frames.to_pandas(before),
        as_of=as_of,
        **dbt.config.get("options"),
    )
    return frames.typed_relation(distributions, drift.DISTRIBUTIONS_SCHEMA, session)
