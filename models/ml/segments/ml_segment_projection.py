# One row per view and customer_key of a sample by hash: where the customer lies on a plane.
from python_ext import clustering, frames


def model(dbt, session):
    dbt.config(materialized="table")
    customers = dbt.ref("int_customer_features").filter("cutoff_name = 'score' and may_be_profiled")
    rows = dbt.config.get("rows", 1000)
    as_of = frames.to_pandas(dbt.ref("int_as_of_date"))["as_of_date"].iloc[0]
    models = clustering.current_models(frames.to_pandas(dbt.ref("ml_segment_models")), as_of=as_of)
    projection = clustering.project_customers(
        frames.to_pandas(frames.sample(customers, key="customer_key", rows=rows)),
        models,
        view=dbt.config.get("view", "all"),
        seed=dbt.config.get("seed", 42),
    )
    return frames.typed_relation(projection, clustering.PROJECTION_SCHEMA, session)
