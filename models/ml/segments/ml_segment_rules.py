# One row per view and leaf of the tree that retells its segments: a rule in words.
from python_ext import clustering, frames


def model(dbt, session):
    dbt.config(materialized="table")
    features, clusters = dbt.ref("int_customer_features"), dbt.ref("ml_customer_clusters")
    views = frames.to_pandas(dbt.ref("segmentation_views"))["view"]
    rules = clustering.explain_segments(
        (frames.to_pandas(clusters.filter(f"view = '{view}'")) for view in views),
        frames.to_pandas(features.filter("cutoff_name = 'score' and may_be_profiled")),
        frames.to_pandas(dbt.ref("feature_definitions")),
        frames.to_pandas(dbt.ref("segmentation_features")),
        sources=dbt.config.get("sources", {}),
        categories=frames.to_pandas(dbt.ref("int_categories_ranked")),
        category_labels=frames.to_pandas(dbt.ref("category_labels")),
        feature_words=frames.to_pandas(dbt.ref("feature_words")),
        sample_rows=dbt.config.get("sample_rows", 50000),
        seed=dbt.config.get("seed", 42),
    )
    return frames.typed_relation(rules, clustering.RULES_SCHEMA, session)
