"""Segments: how many there are, who belongs to which, what marks them, what they are called."""

from python_ext import _learning_libraries  # noqa: F401  (before anything of ours)
from python_ext.clustering._artefact import ArtefactError
from python_ext.clustering._assignment import Segmentation, load_chosen
from python_ext.clustering._associations import (
    ASSOCIATIONS_SCHEMA,
    associate_segments,
)
from python_ext.clustering._candidates import MODELS_SCHEMA, Choice
from python_ext.clustering._choice import ALGORITHMS, choose_segments
from python_ext.clustering._division import nest
from python_ext.clustering._loadings import list_loadings
from python_ext.clustering._memory import (
    EVENTS_SCHEMA,
    current_models,
    has_earlier_run,
    previous_models,
    read_events,
)
from python_ext.clustering._model import CLUSTERS_SCHEMA, SegmentModel
from python_ext.clustering._names import NAMES_SCHEMA, name_segments, rfm_segment_ids
from python_ext.clustering._nesting import Nesting
from python_ext.clustering._preparation import LOADINGS_SCHEMA, ViewPreparation
from python_ext.clustering._profiles import PROFILES_SCHEMA, profile_segments
from python_ext.clustering._projection import PROJECTION_SCHEMA, project_customers
from python_ext.clustering._refit import RefitPolicy
from python_ext.clustering._run import run_segmentation
from python_ext.clustering._stability_report import STABILITY_SCHEMA, measure_stability
from python_ext.clustering._surrogate import RULES_SCHEMA, explain_segments
from python_ext.clustering._tree_table import TREE_SCHEMA, tabulate_trees
from python_ext.clustering._views import View, ViewFeature, load_views, views_left_out

__all__ = [
    "ALGORITHMS",
    "ASSOCIATIONS_SCHEMA",
    "CLUSTERS_SCHEMA",
    "EVENTS_SCHEMA",
    "LOADINGS_SCHEMA",
    "MODELS_SCHEMA",
    "NAMES_SCHEMA",
    "PROFILES_SCHEMA",
    "STABILITY_SCHEMA",
    "TREE_SCHEMA",
    "RULES_SCHEMA",
    "PROJECTION_SCHEMA",
    "ArtefactError",
    "Choice",
    "Nesting",
    "RefitPolicy",
    "SegmentModel",
    "Segmentation",
    "View",
    "ViewFeature",
    "ViewPreparation",
    "associate_segments",
    "choose_segments",
    "current_models",
    "explain_segments",
    "has_earlier_run",
    "list_loadings",
    "load_chosen",
    "load_views",
    "measure_stability",
    "name_segments",
    "nest",
    "previous_models",
    "profile_segments",
    "project_customers",
    "read_events",
    "rfm_segment_ids",
    "run_segmentation",
    "tabulate_trees",
    "views_left_out",
]
