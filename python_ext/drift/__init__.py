"""Whether today's customers, and their scores, are distributed as those a model has seen.

`describe_distribution` says how features are distributed, `measure_drift` how far other rows are
from that: PSI with the value chance alone exceeds, unknown values, new categories, severity.
"""

from python_ext.drift._distributions import (
    compare_distributions,
    describe_distribution,
    measure_drift,
)
from python_ext.drift._stability import (
    CHANCE,
    DriftLimits,
    compare_counts,
    critical_stability,
    judge_severity,
    population_stability,
)

__all__ = [
    "CHANCE",
    "DriftLimits",
    "compare_counts",
    "compare_distributions",
    "critical_stability",
    "describe_distribution",
    "judge_severity",
    "measure_drift",
    "population_stability",
]
