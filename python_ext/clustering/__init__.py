"""Segments: how many there are, who belongs to which, what marks them, what they are called."""

from python_ext import _learning_libraries  # noqa: F401  (before anything of ours)
from python_ext.clustering._choice import MODELS_SCHEMA, choose_segments
from python_ext.clustering._loadings import list_loadings
from python_ext.clustering._model import (
    CLUSTERS_SCHEMA,
    ArtefactError,
    SegmentModel,
    load_chosen,
)
from python_ext.clustering._names import NAMES_SCHEMA, name_segments
from python_ext.clustering._preparation import LOADINGS_SCHEMA, ViewPreparation
from python_ext.clustering._profiles import PROFILES_SCHEMA, profile_segments
from python_ext.clustering._views import View, ViewFeature, load_views, views_left_out

__all__ = [
    "CLUSTERS_SCHEMA",
    "LOADINGS_SCHEMA",
    "MODELS_SCHEMA",
    "NAMES_SCHEMA",
    "PROFILES_SCHEMA",
    "ArtefactError",
    "SegmentModel",
    "View",
    "ViewFeature",
    "ViewPreparation",
    "choose_segments",
    "list_loadings",
    "load_chosen",
    "load_views",
    "name_segments",
    "profile_segments",
    "views_left_out",
]
