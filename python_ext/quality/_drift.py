"""Population stability: the reference that the SQL of the distribution audit is tested against."""

from __future__ import annotations

import numpy as np
from scipy import stats


def population_stability(now: np.ndarray, before: np.ndarray) -> float:
    """PSI = Σ (a - e) ln(a / e) over buckets.

    Each count is raised by a half first, so that an empty bucket weighs much but not infinitely.

    Parameters
    ----------
    now, before
        Counts of the same buckets in the same order.
    """
    actual = (now + 0.5) / (now + 0.5).sum()
    expected = (before + 0.5) / (before + 0.5).sum()
    return float(((actual - expected) * np.log(actual / expected)).sum())


def stability_limit(rows_now: int, rows_before: int, buckets: int, *, z: float) -> float:
    """PSI that two samples of one distribution exceed with the chance of a normal value beyond z.

    Under no change PSI is about (1/n + 1/m) times χ² with one degree of freedom less than buckets
    (Yurdakul 2018).
    """
    quantile = stats.chi2.isf(stats.norm.sf(z), max(buckets - 1, 1))
    return float((1 / rows_now + 1 / rows_before) * quantile)
