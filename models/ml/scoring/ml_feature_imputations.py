# One row per model and feature: what stands in where the feature is unknown, and how often.
from python_ext import clustering, frames, propensity, quality


def model(dbt, session):
    dbt.config(materialized="table")
    as_of = frames.to_pandas(dbt.ref("int_as_of_date"))["as_of_date"].iloc[0]
    trained = frames.to_pandas(dbt.ref("ml_propensity_models"))
    champions = propensity.Champions.load(trained, as_of=as_of)
    models = frames.to_pandas(dbt.ref("ml_segment_models"))
    segments = clustering.load_chosen(models, view=dbt.config.get("main_view"), as_of=as_of)
    customers = dbt.ref("int_customer_features").filter("cutoff_name = 'score' and may_be_profiled")
    rows = dbt.config.get("sample_rows", 50000)
    listed = quality.list_imputations(
        {"segment": segments.imputation, **champions.imputations},
        frames.to_pandas(frames.sample(customers, key="customer_key", rows=rows)),
    )
    return frames.typed_relation(listed, quality.IMPUTATIONS_SCHEMA, session)
