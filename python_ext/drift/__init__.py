"""Whether today's customers, and their scores, are distributed as those a model has seen.

`describe_distribution` says how features are distributed, `measure_drift` how far other rows are
from that: PSI with the value chance alone exceeds, unknown values, new categories, severity.
`remember_distributions` and `list_drift` make the tables ml_feature_distributions and
ml_feature_drift: every build remembers, cutoffs and builds are compared. `list_decay` says whether
the champions still do as well as when they were promoted.
"""

from python_ext import _learning_libraries  # noqa: F401  (before anything of ours)
from python_ext.drift._comparison import DRIFT_SCHEMA, list_drift, read_drift
from python_ext.drift._decay import DECAY_SCHEMA, compare_figures, list_decay
from python_ext.drift._distributions import (
    compare_distributions,
    describe_distribution,
    measure_drift,
)
from python_ext.drift._memory import DISTRIBUTIONS_SCHEMA, remember_distributions
from python_ext.drift._stability import (
    CHANCE,
    DriftLimits,
    compare_counts,
    critical_stability,
    judge_severity,
    population_stability,
)
from python_ext.drift._usual import mark_usual, usual_drift

__all__ = [
    "CHANCE",
    "DECAY_SCHEMA",
    "DISTRIBUTIONS_SCHEMA",
    "DRIFT_SCHEMA",
    "DriftLimits",
    "compare_counts",
    "compare_distributions",
    "compare_figures",
    "critical_stability",
    "describe_distribution",
    "judge_severity",
    "list_decay",
    "list_drift",
    "mark_usual",
    "measure_drift",
    "population_stability",
    "read_drift",
    "remember_distributions",
    "usual_drift",
]
