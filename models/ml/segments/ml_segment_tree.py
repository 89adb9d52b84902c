# One row per view and node of the dendrogram of its segments.
from python_ext import clustering, frames


def model(dbt, session):
    dbt.config(materialized="table")
    models = frames.to_pandas(dbt.ref("ml_segment_models"))
    as_of = frames.to_pandas(dbt.ref("int_as_of_date"))["as_of_date"].iloc[0]
    trees = clustering.tabulate_trees(
        clustering.current_models(models, as_of=as_of),
        models.dropna(subset="model_id").set_index("model_id")["fitted_rows"].to_dict(),
    )
    return frames.typed_relation(trees, clustering.TREE_SCHEMA, session)
