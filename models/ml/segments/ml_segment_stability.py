# One row per view, level, segment, measure and what was left out: how surely it would be found again.
from python_ext import clustering, frames


def model(dbt, session):
    dbt.config(materialized="table")
    features = dbt.ref("int_customer_features").filter("may_be_profiled")
    rows = dbt.config.get("sample_rows", 10000)
    today, earlier = (
        frames.sample(features.filter(f"cutoff_name = '{name}'"), key="customer_key", rows=rows)
        for name in ("score", "test")
    )
    as_of = frames.to_pandas(dbt.ref("int_as_of_date"))["as_of_date"].iloc[0]
    stability = clustering.measure_stability(
        clustering.current_models(frames.to_pandas(dbt.ref("ml_segment_models")), as_of=as_of),
        frames.to_pandas(today),
        frames.to_pandas(earlier),
        main_view=dbt.config.get("main_view", "all"),
        seed=dbt.config.get("seed", 42),
    )
    return frames.typed_relation(stability, clustering.STABILITY_SCHEMA, session)
