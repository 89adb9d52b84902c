# One row per customer_key who may be profiled and cutoff_name: how likely alive, purchases to come.
from python_ext import frames, lifetime_value


def model(dbt, session):
    dbt.config(materialized="table")
    lifetimes = lifetime_value.Lifetimes.load(
        frames.to_pandas(dbt.ref("ml_lifetime_models")),
        horizon_days=dbt.config.get("horizon_days", 90),
        clv_days=dbt.config.get("clv_days", 365),
        yearly_rate=dbt.config.get("yearly_rate", 0.1),
    )
    return frames.map_batches(
        session,
        dbt.ref("int_lifetimes_measured").filter("may_be_profiled"),
        lifetimes.score,
        lifetime_value.LIFETIMES_SCHEMA,
        batch_rows=dbt.config.get("batch_rows", 100000),
        order_by=("cutoff_name", "customer_key"),
    )
