# One row per target and feature: what the champion owes to it, or why it does without.
from python_ext import frames, propensity


def model(dbt, session):
    dbt.config(materialized="table")
    models = frames.to_pandas(dbt.ref("ml_propensity_models"))
    as_of = frames.to_pandas(dbt.ref("int_as_of_date"))["as_of_date"].iloc[0]
    key = ("customer_key", "cutoff_name")
    past = dbt.ref("int_customer_features").filter("split = 'test' and may_be_profiled")
    drawn = frames.sample(past, key=key, rows=dbt.config.get("importance_rows", 20000))
    labels = dbt.ref("int_customer_labels")
    found = propensity.Champions.load(models, as_of=as_of).importances(
        models,
        frames.to_pandas(frames.join(drawn, labels, on=key, take=("target", "label"))),
        seed=dbt.config.get("seed", 42),
    )
    return frames.typed_relation(found, propensity.IMPORTANCES_SCHEMA, session)
