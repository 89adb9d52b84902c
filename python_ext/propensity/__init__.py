"""Propensity: how likely a customer is to do something within the horizon, and why."""

from python_ext import _learning_libraries  # noqa: F401  (before anything of ours)
from python_ext.propensity._artefact import ArtefactError, PropensityModel, read_artefact
from python_ext.propensity._calibration import calibrate, choose_calibration, fit_calibrator
from python_ext.propensity._candidates import ALGORITHMS, BASELINES
from python_ext.propensity._drivers import driver_effects, driver_texts
from python_ext.propensity._fitting import FittedCandidate, fit_candidates
from python_ext.propensity._folds import grouped_folds
from python_ext.propensity._leakage import (
    LeakageError,
    check_event_times,
    check_features,
    check_windows,
)
from python_ext.propensity._metrics import judge
from python_ext.propensity._scoring import METRICS_SCHEMA, SCORES_SCHEMA, Champions, list_metrics
from python_ext.propensity._search import SearchBudget
from python_ext.propensity._targets import Target, load_targets
from python_ext.propensity._training import MODELS_SCHEMA, train_models

__all__ = [
    "ALGORITHMS",
    "BASELINES",
    "METRICS_SCHEMA",
    "MODELS_SCHEMA",
    "SCORES_SCHEMA",
    "ArtefactError",
    "Champions",
    "FittedCandidate",
    "LeakageError",
    "PropensityModel",
    "SearchBudget",
    "Target",
    "calibrate",
    "check_event_times",
    "check_features",
    "check_windows",
    "choose_calibration",
    "driver_effects",
    "driver_texts",
    "fit_calibrator",
    "fit_candidates",
    "grouped_folds",
    "judge",
    "list_metrics",
    "load_targets",
    "read_artefact",
    "train_models",
]
