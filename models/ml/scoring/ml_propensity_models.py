# One row per as-of date, target and model: champion, candidates and baselines; it remembers every run.
from python_ext import frames, propensity


def model(dbt, session):
    dbt.config(materialized="incremental", unique_key="as_of_date")
    key = ("customer_key", "cutoff_name")
    known = dbt.ref("int_customer_features").filter("may_be_profiled")
    drawn = frames.sample(known, key=key, rows=dbt.config.get("sample_rows", 150000))
    labels = frames.join(dbt.ref("int_customer_labels"), drawn, on=key)
    before = frames.previous(dbt, session)
    as_of = frames.to_pandas(dbt.ref("int_as_of_date"))["as_of_date"].iloc[0]
    models = propensity.run_propensity(
        frames.to_pandas(drawn),
        frames.to_pandas(labels),
        frames.to_pandas(dbt.ref("feature_definitions")),
        frames.to_pandas(dbt.ref("propensity_targets")),
        None if before is None else frames.to_pandas(before),
        as_of=as_of,
        categories=frames.to_pandas(dbt.ref("int_categories_ranked")),
        sources=dbt.config.get("sources", {}),
        **dbt.config.get("options"),
    )
    return frames.typed_relation(models, propensity.MODELS_SCHEMA, session)
