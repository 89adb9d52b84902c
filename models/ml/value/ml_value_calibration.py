# One row per model and group of repeat purchases: bought after the test cutoff, and expected.
from python_ext import frames, lifetime_value


def model(dbt, session):
    dbt.config(materialized="table")
    tested = dbt.ref("int_value_outcomes").filter("cutoff_name = 'test' and may_be_profiled")
    table = lifetime_value.calibrate_lifetimes(
        frames.to_pandas(tested),
        frames.to_pandas(dbt.ref("ml_lifetime_models")),
        horizon_weeks=float(dbt.config.get("horizon_days", 90)) / 7,
    )
    return frames.typed_relation(table, lifetime_value.CALIBRATION_SCHEMA, session)
