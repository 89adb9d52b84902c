# One row per customer_key with a purchase who may be profiled: expected revenue of the horizon.
from python_ext import frames, lifetime_value


def model(dbt, session):
    dbt.config(materialized="table")
    as_of = frames.to_pandas(dbt.ref("int_as_of_date"))["as_of_date"].iloc[0]
    models = frames.to_pandas(dbt.ref("ml_value_models"))
    key = ("customer_key", "cutoff_name")
    customers = dbt.ref("int_customer_features").filter("cutoff_name = 'score' and may_be_profiled")
    lifetimes = dbt.ref("ml_customer_lifetimes")
    return frames.map_batches(
        session,
        frames.join(customers, lifetimes, on=key, take="expected_revenue"),
        lifetime_value.ValueChampion.load(models, as_of=as_of).score,
        lifetime_value.CUSTOMER_VALUE_SCHEMA,
        batch_rows=dbt.config.get("batch_rows", 100000),
        order_by="customer_key",
    )
