# One row per cutoff_name and model of customer lifetimes: parameters, errors and warnings.
from python_ext import frames, lifetime_value


def model(dbt, session):
    dbt.config(materialized="table")
    models = lifetime_value.fit_lifetimes(
        frames.to_pandas(dbt.ref("int_lifetimes_pooled")),
        least_repeat_customers=int(dbt.config.get("least_repeat_customers", 30)),
        least_costed_share=float(dbt.config.get("least_costed_share", 0.8)),
    )
    return frames.typed_relation(models, lifetime_value.LIFETIME_MODELS_SCHEMA, session)
