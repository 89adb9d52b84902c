# One row per customer_key, in a first run only: the segment one horizon before, by today's model.
from python_ext import clustering, frames


def model(dbt, session):
    dbt.config(materialized="table")
    models = frames.to_pandas(dbt.ref("ml_segment_models"))
    as_of = frames.to_pandas(dbt.ref("int_as_of_date"))["as_of_date"].iloc[0]
    view = dbt.config.get("view", "all")
    segments = clustering.current_models(models, as_of=as_of)[view]
    is_first = not clustering.has_earlier_run(models, as_of=as_of, view=view)
    # RFM segments follow a column that no earlier cutoff has.
    wanted = "may_be_profiled" if is_first and not segments.is_fallback else "1 = 0"
    return frames.map_batches(
        session,
        dbt.ref("int_customer_features").filter(f"cutoff_name = 'test' and {wanted}"),
        segments.assign,
        clustering.CLUSTERS_SCHEMA,
        batch_rows=dbt.config.get("batch_rows", 100000),
        order_by="customer_key",
    )
