# One row per customer_key with a purchase who may be profiled: the segment, how surely, and how typically.
from python_ext import clustering, frames


def model(dbt, session):
    dbt.config(materialized="table")
    chosen = clustering.load_chosen(frames.to_pandas(dbt.ref("ml_segment_models")))
    return frames.map_batches(
        session,
        dbt.ref("int_customer_features").filter("cutoff_name = 'score' and may_be_profiled"),
        chosen.assign,
        clustering.CLUSTERS_SCHEMA,
        batch_rows=dbt.config.get("batch_rows", 100000),
        order_by="customer_key",
    )
