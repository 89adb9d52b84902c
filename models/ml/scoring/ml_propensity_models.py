# One row per target and algorithm: candidates and baselines with their figures, one champion.
from python_ext import frames, propensity


def model(dbt, session):
    dbt.config(materialized="table")
    key = ("customer_key", "cutoff_name")
    past = dbt.ref("int_customer_features").filter("split <> 'score' and may_be_profiled")
    drawn = frames.sample(past, key=key, rows=dbt.config.get("sample_rows", 300000))
    labels = dbt.ref("int_customer_labels")
    models = propensity.train_models(
        frames.to_pandas(frames.join(drawn, labels, on=key, take=("target", "label"))),
        frames.to_pandas(dbt.ref("feature_definitions")),
        sources=dbt.config.get("sources", {}),
        seed=dbt.config.get("seed", 42),
        targets=dbt.config.get("targets", ["purchase", "churn"]),
        horizon_days=dbt.config.get("horizon_days", None),
        categories=frames.to_pandas(dbt.ref("int_categories_ranked")),
    )
    return frames.typed_relation(models, propensity.MODELS_SCHEMA, session)
