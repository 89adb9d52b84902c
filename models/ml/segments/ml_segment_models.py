# One row per level and candidate number of segments; the chosen one carries the fitted model.
from python_ext import clustering, frames


def model(dbt, session):
    dbt.config(materialized="table")
    features = dbt.ref("int_customer_features")
    customers = features.filter("cutoff_name = 'score' and may_be_profiled")
    rows = dbt.config.get("sample_rows", 50000)
    views = clustering.load_views(
        frames.to_pandas(dbt.ref("segmentation_views")),
        frames.to_pandas(dbt.ref("segmentation_features")),
        frames.to_pandas(dbt.ref("feature_definitions")),
        features.columns,
        sources=dbt.config.get("sources", {}),
    )
    models = clustering.choose_segments(
        frames.to_pandas(frames.sample(customers, key="customer_key", rows=rows)),
        next(view for view in views if view.name == "all"),
        seed=dbt.config.get("seed", 42),
        max_k=dbt.config.get("max_k", 10),
        min_segment_share=dbt.config.get("min_segment_share", 0.02),
        fixed_k=dbt.config.get("fixed_k", None),
    )
    return frames.typed_relation(models, clustering.MODELS_SCHEMA, session)
