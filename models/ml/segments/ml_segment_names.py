# One row per view, level and segment that ever was: its name and what backs it. It remembers.
from python_ext import clustering, frames


def model(dbt, session):
    dbt.config(materialized="incremental", unique_key=["view", "level", "segment_id"])
    as_of = frames.to_pandas(dbt.ref("int_as_of_date"))["as_of_date"].iloc[0]
    before = frames.previous(dbt, session)
    names = clustering.name_segments(
        frames.to_pandas(dbt.ref("ml_segment_profiles")),
        frames.to_pandas(dbt.ref("segment_archetypes")),
        frames.to_pandas(dbt.ref("archetype_features")),
        frames.to_pandas(dbt.ref("feature_words")),
        categories=frames.to_pandas(dbt.ref("int_categories_ranked")),
        category_labels=frames.to_pandas(dbt.ref("category_labels")),
        rfm_segments=frames.to_pandas(dbt.ref("rfm_segments")),
        actions=frames.to_pandas(dbt.ref("segment_actions")),
        previous=None if before is None else frames.to_pandas(before),
        as_of=as_of,
    )
    return frames.typed_relation(names, clustering.NAMES_SCHEMA, session)
