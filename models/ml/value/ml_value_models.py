# One row per as-of date and model of customer value; it remembers every run, so no rebuild drops it.
from python_ext import frames, lifetime_value


def model(dbt, session):
    dbt.config(materialized="incremental", unique_key="as_of_date")
    key = ("customer_key", "cutoff_name")
    past = dbt.ref("int_customer_features").filter("split <> 'score' and may_be_profiled")
    drawn = frames.sample(past, key=key, rows=dbt.config.get("sample_rows", 200000))
    followed = ("purchases", "sold_revenue", "net_revenue")
    before = frames.previous(dbt, session)
    as_of = frames.to_pandas(dbt.ref("int_as_of_date"))["as_of_date"].iloc[0]
    options = {"as_of": as_of, **dbt.config.get("options")}
    models = lifetime_value.run_value(
        frames.to_pandas(frames.join(drawn, dbt.ref("int_value_outcomes"), on=key, take=followed)),
        frames.to_pandas(dbt.ref("ml_customer_lifetimes").filter("cutoff_name = 'test'")),
        frames.to_pandas(dbt.ref("ml_lifetime_models")),
        frames.to_pandas(dbt.ref("feature_definitions")),
        None if before is None else frames.to_pandas(before),
        **options,
    )
    return frames.typed_relation(models, lifetime_value.VALUE_MODELS_SCHEMA, session)
