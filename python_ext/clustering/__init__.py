"""Segments: how many there are, who belongs to which, what marks them, what they are called."""

from python_ext import _learning_libraries  # noqa: F401  (before anything of ours)
from python_ext.clustering._choice import MODELS_SCHEMA, choose_segments
from python_ext.clustering._model import (
    CLUSTERS_SCHEMA,
    ArtefactError,
    SegmentModel,
    load_chosen,
)
from python_ext.clustering._names import NAMES_SCHEMA, name_segments
from python_ext.clustering._profiles import PROFILES_SCHEMA, profile_segments
from python_ext.clustering._projection import PROJECTION_SCHEMA, project_customers

__all__ = [
    "CLUSTERS_SCHEMA",
    "MODELS_SCHEMA",
    "NAMES_SCHEMA",
    "PROFILES_SCHEMA",
    "PROJECTION_SCHEMA",
    "ArtefactError",
    "SegmentModel",
    "choose_segments",
    "load_chosen",
    "name_segments",
    "profile_segments",
    "project_customers",
]
