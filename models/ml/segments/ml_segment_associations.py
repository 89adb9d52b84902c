# One row per pair of attributes, one of them segments of a view: how much they hang together.
from python_ext import clustering, frames


def model(dbt, session):
    dbt.config(materialized="table")
    clusters = dbt.ref("ml_customer_clusters")
    views = frames.to_pandas(dbt.ref("segmentation_views"))
    associations = clustering.associate_segments(
        (frames.to_pandas(clusters.filter(f"view = '{view}'")) for view in views["view"]),
        frames.to_pandas(dbt.ref("int_customer_attributes").filter("may_be_profiled")),
        frames.to_pandas(dbt.ref("segment_attributes")),
        views,
        frames.to_pandas(dbt.ref("segmentation_features")),
        frames.to_pandas(dbt.ref("feature_definitions")),
        main_view=dbt.config.get("main_view", "all"),
        least_customers=dbt.config.get("k_anonymity", 10),
        limits=dbt.config.get("association_limits", None),
        significance=dbt.config.get("association_significance", 0.05),
    )
    return frames.typed_relation(associations, clustering.ASSOCIATIONS_SCHEMA, session)
