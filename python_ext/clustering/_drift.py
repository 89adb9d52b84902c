"""Whether today's customers are distributed as those a model was fitted on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from python_ext.features import Feature, feature_matrix

BINS = 10
# One in a thousand, for a view of twenty features is looked at in every build.
CHANCE = 0.001


def population_stability(expected: np.ndarray, actual: np.ndarray) -> float:
    """PSI = Σ (aᵢ − eᵢ) ln(aᵢ / eᵢ) of two distributions over the same bins.

    Parameters
    ----------
    expected, actual
        Customers per bin. An empty bin counts as half a customer, so that the logarithm exists.
    """
    if not expected.sum() or not actual.sum():
        return 0.0
    e = np.maximum(expected, 0.5) / expected.sum()
    a = np.maximum(actual, 0.5) / actual.sum()
    return float(((a - e) * np.log(a / e)).sum())


def critical_stability(bins: int, expected: int, actual: int, *, chance: float = CHANCE) -> float:
    """The PSI that chance alone exceeds with a given probability.

    For two samples of one distribution PSI / (1/n + 1/m) is about χ² distributed with a degree of
    freedom less than there are bins (Yurdakul and Naranjo 2020).

    Parameters
    ----------
    bins
        Number of bins that hold anybody.
    expected, actual
        Customers n and m.
    """
    if bins < 2 or not expected or not actual:
        return 0.0
    return float(chi2.ppf(1 - chance, bins - 1) * (1 / expected + 1 / actual))


def describe_distribution(frame: pd.DataFrame, features: Iterable[Feature]) -> dict[str, Any]:
    """Bins of each feature, fixed at the deciles of these rows, and how many customers each holds.

    Returns
    -------
    dict
        Feature → ``edges`` (inner, ascending) and ``counts``; the last count is of the rows whose
        value is unknown. Plain lists, for JSON.
    """
    features = list(features)
    values = feature_matrix(frame, features, transform=False)
    described = {}
    for column, feature in zip(values.T, features, strict=True):
        known = column[~np.isnan(column)]
        steps = np.arange(1, BINS) / BINS
        # An actual value and not one between two: a tie must not lie across an edge.
        edges = np.unique(np.quantile(known, steps, method="lower")) if len(known) else np.empty(0)
        described[feature.name] = {
            "edges": edges.tolist(),
            "counts": _counts(column, edges).tolist(),
        }
    return described


def measure_drift(
    frame: pd.DataFrame, features: Iterable[Feature], reference: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """PSI of each feature against ``describe_distribution``, with what chance alone would give.

    Returns
    -------
    list of dict
        feature, psi and critical, the largest PSI first.
    """
    features = [feature for feature in features if feature.name in reference]
    values = feature_matrix(frame, features, transform=False)
    found = []
    for column, feature in zip(values.T, features, strict=True):
        stored = reference[feature.name]
        expected = np.array(stored["counts"], dtype=float)
        actual = _counts(column, np.array(stored["edges"], dtype=float))
        found.append({"feature": feature.name, **compare_counts(expected, actual)})
    return sorted(found, key=lambda row: (-row["psi"], row["feature"]))


def compare_counts(expected: np.ndarray, actual: np.ndarray) -> dict[str, float]:
    """``psi`` of two rows of counts, and its ``critical`` value for their sizes."""
    held = (expected > 0) | (actual > 0)
    return {
        "psi": population_stability(expected[held], actual[held]),
        "critical": critical_stability(int(held.sum()), int(expected.sum()), int(actual.sum())),
    }


def _counts(column: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Customers per bin (each closed at its upper edge), those of an unknown value last."""
    known = column[~np.isnan(column)]
    counts = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
    return np.append(counts, len(column) - len(known))
