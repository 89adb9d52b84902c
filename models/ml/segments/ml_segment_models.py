# One row per view, as-of date and candidate segmentation; it remembers every run, so no rebuild drops it.
from python_ext import clustering, frames


def model(dbt, session):
    dbt.config(materialized="incremental", unique_key="as_of_date")
    features = dbt.ref("int_customer_features").filter("cutoff_name = 'score' and may_be_profiled")
    rfm = dbt.ref("int_customer_rfm")
    customers = frames.join(features, rfm, on="customer_key", take="rfm_segment_id")
    categories = frames.to_pandas(dbt.ref("int_categories_ranked"))
    views = clustering.load_views(
        frames.to_pandas(dbt.ref("segmentation_views")),
        frames.to_pandas(dbt.ref("segmentation_features")),
        frames.to_pandas(dbt.ref("feature_definitions")),
        customers.columns,
        sources=dbt.config.get("sources", {}),
    )
    drawn = frames.sample(customers, key="customer_key", rows=dbt.config.get("sample_rows", 50000))
    before = frames.previous(dbt, session)
    memory = None if before is None else frames.to_pandas(before)
    as_of = frames.to_pandas(dbt.ref("int_as_of_date"))["as_of_date"].iloc[0]
    options = {"as_of": as_of, "categories": categories, **dbt.config.get("options")}
    options["clusters"] = lambda: frames.left_behind(dbt, session, "ml_customer_clusters")
    models = clustering.run_segmentation(frames.to_pandas(drawn), views, memory, **options)
    return frames.typed_relation(models, clustering.MODELS_SCHEMA, session)
