# One row per customer_key who may be profiled, target and cutoff ('score', 'test') eligible for.
from python_ext import frames, propensity


def model(dbt, session):
    dbt.config(materialized="table")
    as_of = frames.to_pandas(dbt.ref("int_as_of_date"))["as_of_date"].iloc[0]
    trained = frames.to_pandas(dbt.ref("ml_propensity_models"))
    champions = propensity.Champions.load(trained, as_of=as_of)
    eligible = dbt.ref("int_customer_labels").filter("cutoff_name in ('score', 'test')")
    customers = dbt.ref("int_customer_features").filter("may_be_profiled")
    key = ("customer_key", "cutoff_name")
    return frames.map_batches(
        session,
        frames.join(customers, eligible, on=key, take="target"),
        champions.score,
        propensity.SCORES_SCHEMA,
        batch_rows=dbt.config.get("batch_rows", 100000),
        order_by=("target", "cutoff_name", "customer_key"),
    )
