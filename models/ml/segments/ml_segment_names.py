# One row per level and segment: its name and what backs it.
from python_ext import clustering, frames


def model(dbt, session):
    dbt.config(materialized="table")
    names = clustering.name_segments(
        frames.to_pandas(dbt.ref("ml_segment_profiles")),
        frames.to_pandas(dbt.ref("segment_archetypes")),
        min_similarity=dbt.config.get("min_similarity", 0.4),
    )
    return frames.typed_relation(names, clustering.NAMES_SCHEMA, session)
