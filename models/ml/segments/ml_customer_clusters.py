# One row per view and customer_key known in it who may be profiled: the segment, how surely, how typically.
from python_ext import clustering, frames


def model(dbt, session):
    dbt.config(materialized="table")
    as_of = frames.to_pandas(dbt.ref("int_as_of_date"))["as_of_date"].iloc[0]
    models = frames.to_pandas(dbt.ref("ml_segment_models"))
    features = dbt.ref("int_customer_features").filter("cutoff_name = 'score' and may_be_profiled")
    rfm = dbt.ref("int_customer_rfm")
    return frames.map_batches(
        session,
        frames.join(features, rfm, on="customer_key", take="rfm_segment_id"),
        clustering.Segmentation.load(models, as_of=as_of).assign,
        clustering.CLUSTERS_SCHEMA,
        batch_rows=dbt.config.get("batch_rows", 100000),
        order_by="customer_key",
    )
