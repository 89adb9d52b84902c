"""Propensity: how likely a customer is to do something within the horizon, and why."""

from python_ext import _learning_libraries  # noqa: F401  (before anything of ours)
from python_ext.propensity._artefact import ArtefactError, PropensityModel, read_artefact
from python_ext.propensity._calibration import calibrate, choose_calibration, fit_calibrator
from python_ext.propensity._candidates import ALGORITHMS, BASELINES
from python_ext.propensity._curves import (
    cost_optimal_threshold,
    gain_table,
    profit_curve,
    reliability_table,
)
from python_ext.propensity._drivers import DRIVER_COLUMNS, top_drivers
from python_ext.propensity._figures import METRICS_SCHEMA, list_metrics
from python_ext.propensity._fitting import FittedCandidate, fit_candidates
from python_ext.propensity._folds import grouped_folds
from python_ext.propensity._groups import judge_groups
from python_ext.propensity._importance import IMPORTANCES_SCHEMA, importances
from python_ext.propensity._judging import (
    GAINS_SCHEMA,
    GROUPS_SCHEMA,
    PROFITS_SCHEMA,
    RELIABILITY_SCHEMA,
    judge_all_groups,
    judge_gains,
    judge_profits,
    judge_reliability,
)
from python_ext.propensity._leakage import (
    LeakageError,
    check_event_times,
    check_features,
    check_windows,
)
from python_ext.propensity._learn import Learned, infer_feature, learn
from python_ext.propensity._memory import MODELS_SCHEMA, champion_rows, last_run
from python_ext.propensity._metrics import judge
from python_ext.propensity._run import run_propensity
from python_ext.propensity._scoring import SCORES_SCHEMA, Champions
from python_ext.propensity._search import SearchBudget
from python_ext.propensity._shapley import Explainer, Explanation, explain
from python_ext.propensity._targets import Target, load_targets

__all__ = [
    "ALGORITHMS",
    "BASELINES",
    "DRIVER_COLUMNS",
    "GAINS_SCHEMA",
    "GROUPS_SCHEMA",
    "IMPORTANCES_SCHEMA",
    "METRICS_SCHEMA",
    "MODELS_SCHEMA",
    "PROFITS_SCHEMA",
    "RELIABILITY_SCHEMA",
    "SCORES_SCHEMA",
    "ArtefactError",
    "Champions",
    "Explainer",
    "Explanation",
    "FittedCandidate",
    "LeakageError",
    "Learned",
    "PropensityModel",
    "SearchBudget",
    "Target",
    "calibrate",
    "champion_rows",
    "check_event_times",
    "check_features",
    "check_windows",
    "choose_calibration",
    "cost_optimal_threshold",
    "explain",
    "fit_calibrator",
    "fit_candidates",
    "gain_table",
    "grouped_folds",
    "importances",
    "infer_feature",
    "judge",
    "judge_all_groups",
    "judge_gains",
    "judge_groups",
    "judge_profits",
    "judge_reliability",
    "last_run",
    "learn",
    "list_metrics",
    "load_targets",
    "profit_curve",
    "read_artefact",
    "reliability_table",
    "run_propensity",
    "top_drivers",
]
