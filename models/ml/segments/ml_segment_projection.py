# One row per view and customer_key of a sample by hash: where the customer lies on a plane.
from python_ext import clustering, frames


def model(dbt, session):
    dbt.config(materialized="table")
    customers = dbt.ref("int_customer_features").filter("cutoff_name = 'score' and may_be_profiled")
    rows = dbt.config.get("rows", 1000)
    projection = clustering.project_customers(
        frames.to_pandas(frames.sample(customers, key="customer_key", rows=rows)),
        clustering.load_chosen(frames.to_pandas(dbt.ref("ml_segment_models"))),
        view=dbt.config.get("view", "all"),
        seed=dbt.config.get("seed", 42),
    )
    return frames.typed_relation(projection, clustering.PROJECTION_SCHEMA, session)
