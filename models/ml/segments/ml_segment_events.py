# One row per view, as-of date, level, segment, event and other segment: what became of it in a new fit.
from python_ext import clustering, frames


def model(dbt, session):
    dbt.config(materialized="table")
    events = clustering.read_events(frames.to_pandas(dbt.ref("ml_segment_models")))
    return frames.typed_relation(events, clustering.EVENTS_SCHEMA, session)
