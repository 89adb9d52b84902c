# One row per view, prepared feature and factor: what the factors behind the features are.
from python_ext import clustering, frames


def model(dbt, session):
    dbt.config(materialized="table")
    as_of = frames.to_pandas(dbt.ref("int_as_of_date"))["as_of_date"].iloc[0]
    models = frames.to_pandas(dbt.ref("ml_segment_models"))
    chosen = clustering.Segmentation.load(models, as_of=as_of).models
    loadings = clustering.list_loadings(
        [segment_model.preparation for segment_model in chosen.values()],
        categories=frames.to_pandas(dbt.ref("int_categories_ranked")),
    )
    return frames.typed_relation(loadings, clustering.LOADINGS_SCHEMA, session)
