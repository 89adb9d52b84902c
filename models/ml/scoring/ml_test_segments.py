# One row per customer_key at the test cutoff: the segment by today's model, where one was found.
from python_ext import clustering, frames


def model(dbt, session):
    dbt.config(materialized="table")
    models = frames.to_pandas(dbt.ref("ml_segment_models"))
    as_of = frames.to_pandas(dbt.ref("int_as_of_date"))["as_of_date"].iloc[0]
    segments = clustering.current_models(models, as_of=as_of)[dbt.config.get("view", "all")]
    # RFM segments follow a column that no earlier cutoff has.
    wanted = "1 = 0" if segments.is_fallback else "may_be_profiled"
    return frames.map_batches(
        session,
        dbt.ref("int_customer_features").filter(f"cutoff_name = 'test' and {wanted}"),
        segments.assign,
        clustering.CLUSTERS_SCHEMA,
        batch_rows=dbt.config.get("batch_rows", 100000),
        order_by="customer_key",
    )
