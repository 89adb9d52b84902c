"""Quality of what came in: values that cannot be right, or that somebody should look at."""

from python_ext import _learning_libraries  # noqa: F401  (before anything of ours)
from python_ext.quality._drift import population_stability, stability_limit
from python_ext.quality._imputations import IMPUTATIONS_SCHEMA, list_imputations
from python_ext.quality._outliers import (
    DEVIATIONS,
    OUTLIERS_SCHEMA,
    OutlierModel,
    robust_z,
)

__all__ = [
    "DEVIATIONS",
    "IMPUTATIONS_SCHEMA",
    "OUTLIERS_SCHEMA",
    "OutlierModel",
    "list_imputations",
    "population_stability",
    "robust_z",
    "stability_limit",
]
