# One row per level, segment and feature: what marks the segment.
from python_ext import clustering, frames


def model(dbt, session):
    dbt.config(materialized="table")
    features = dbt.ref("int_customer_features")
    profiles = clustering.profile_segments(
        frames.to_pandas(dbt.ref("ml_customer_clusters")),
        frames.to_pandas(features.filter("cutoff_name = 'score' and may_be_profiled")),
        frames.to_pandas(dbt.ref("feature_definitions")),
        sources=dbt.config.get("sources", {}),
        made_from=list(frames.to_pandas(dbt.ref("segmentation_features"))["feature"]),
        categories=frames.to_pandas(dbt.ref("int_categories_ranked")),
    )
    return frames.typed_relation(profiles, clustering.PROFILES_SCHEMA, session)
