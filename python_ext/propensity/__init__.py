"""Propensity: how likely a customer is to do something within the horizon, and why."""

from python_ext import _learning_libraries  # noqa: F401  (before anything of ours)
from python_ext.propensity._artefact import ArtefactError, PropensityModel, read_artefact
from python_ext.propensity._calibration import calibrate, choose_calibration, fit_calibrator
from python_ext.propensity._drivers import driver_effects, driver_texts
from python_ext.propensity._memory import MODELS_SCHEMA, champion_rows, last_run
from python_ext.propensity._metrics import judge
from python_ext.propensity._run import run_propensity
from python_ext.propensity._scoring import METRICS_SCHEMA, SCORES_SCHEMA, Champions, list_metrics
from python_ext.propensity._targets import Target, load_targets
from python_ext.propensity._training import train_models

__all__ = [
    "METRICS_SCHEMA",
    "MODELS_SCHEMA",
    "SCORES_SCHEMA",
    "ArtefactError",
    "Champions",
    "PropensityModel",
    "Target",
    "calibrate",
    "champion_rows",
    "choose_calibration",
    "driver_effects",
    "driver_texts",
    "fit_calibrator",
    "judge",
    "last_run",
    "list_metrics",
    "load_targets",
    "read_artefact",
    "run_propensity",
    "train_models",
]
