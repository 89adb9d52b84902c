"""How surely a segmentation would be found again: pure functions of points, labels and a refit.

A *refit* takes points and a seed and gives a label 0, 1, … to each point. Labels carry no order:
only which points go together counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from python_ext.clustering import _indices

Refit = Callable[[np.ndarray, int], np.ndarray]

RESAMPLES = 12
STARTS = 6
# Hennig (2007), of a segment's mean Jaccard index.
UNSTABLE_JACCARD, STABLE_JACCARD = 0.60, 0.75
# Steinley (2004), of the adjusted Rand index: from 0.80 good, under 0.65 poor.
UNSTABLE_RAND, STABLE_RAND = 0.65, 0.80


def rate_jaccard(value: float) -> str | None:
    """stable over 0.75, doubtful from 0.60 on, unstable under it; None for NaN."""
    if np.isnan(value):
        return None
    if value < UNSTABLE_JACCARD:
        return "unstable"
    return "stable" if value > STABLE_JACCARD else "doubtful"


def rate_rand(value: float) -> str | None:
    """stable from 0.80 on, doubtful from 0.65 on, unstable under it; None for NaN."""
    if np.isnan(value):
        return None
    if value < UNSTABLE_RAND:
        return "unstable"
    return "stable" if value >= STABLE_RAND else "doubtful"


@dataclass(frozen=True)
class Resampled:
    """What bootstrap samples say.

    Attributes
    ----------
    jaccard
        Shape (k,): mean over resamples of each segment's Jaccard index with its likeness; NaN
        for a segment that no resample held.
    rand
        Shape (resamples,): adjusted Rand index of each refit with the labels.
    """

    jaccard: np.ndarray
    rand: np.ndarray


def resample(
    points: np.ndarray,
    labels: np.ndarray,
    k: int,
    refit: Refit,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Resampled:
    """Draw rows with replacement, fit again, compare over the rows drawn (Hennig 2007).

    Parameters
    ----------
    points, labels
        Coordinates and segment 0…k−1 of each row.
    """
    rng = np.random.default_rng(seed)
    total, times, rand = np.zeros(k), np.zeros(k), []
    for _ in range(resamples):
        drawn = rng.integers(0, len(points), len(points))
        again = _shifted(refit(points[drawn], int(rng.integers(2**31))))
        # Each row counts once, however often it was drawn.
        distinct, position = np.unique(drawn, return_index=True)
        truth, found = labels[distinct], again[position]
        present = np.isin(np.arange(k), truth)
        total += np.where(present, _indices.jaccard_to_best(truth, found, k), 0)
        times += present
        rand.append(_indices.adjusted_rand(truth, found))
    jaccard = np.divide(total, times, out=np.full(k, np.nan), where=times > 0)
    return Resampled(jaccard, np.array(rand))


def seed_to_seed(
    points: np.ndarray, refit: Refit, *, starts: int = STARTS, seed: int = 0
) -> np.ndarray:
    """Adjusted Rand index of each pair of fits of the same points from different seeds."""
    seeds = np.random.default_rng(seed).integers(2**31, size=starts)
    fits = [refit(points, int(number)) for number in seeds]
    return np.array([_indices.adjusted_rand(one, two) for one, two in combinations(fits, 2)])


def leave_out(
    labels: np.ndarray,
    parts: Mapping[str, Sequence[str]],
    refit_without: Callable[[Sequence[str]], np.ndarray | None],
) -> dict[str, float]:
    """Adjusted Rand index with the fit that does without one part at a time.

    Parameters
    ----------
    labels
        Segment of each row with everything.
    parts
        Name of each part → the features that make it up.
    refit_without
        Labels of the same rows without these features; None where too little is left.
    """
    found = {}
    for name, features in parts.items():
        without = refit_without(features)
        if without is not None:
            found[name] = float(_indices.adjusted_rand(labels, without))
    return found


@dataclass(frozen=True)
class Movement:
    """How customers move between two dates under one model.

    Attributes
    ----------
    share
        Share of customers with the same label on both.
    shares
        The same of those who had each label before; NaN where nobody had.
    rand
        Adjusted Rand index of both.
    """

    share: float
    shares: np.ndarray
    rand: float


def movement(before: np.ndarray, after: np.ndarray, k: int) -> Movement:
    """Compare the labels 0…k−1 that one model gives the same customers on two dates."""
    stayed = np.bincount(before[before == after], minlength=k)
    held = np.bincount(before, minlength=k)
    return Movement(
        float((before == after).mean()) if len(before) else np.nan,
        np.divide(stayed, held, out=np.full(k, np.nan), where=held > 0),
        float(_indices.adjusted_rand(before, after)) if len(before) else np.nan,
    )


def agreement(labels: np.ndarray, other: np.ndarray, k: int) -> tuple[np.ndarray, float]:
    """Jaccard index of each segment with its likeness in another solution, and adjusted Rand.

    Both label the same rows; a segment without a row gets NaN.
    """
    jaccard = _indices.jaccard_to_best(labels, _shifted(other), k)
    held = np.bincount(labels, minlength=k) > 0
    return np.where(held, jaccard, np.nan), float(_indices.adjusted_rand(labels, other))


def _shifted(labels: np.ndarray) -> np.ndarray:
    """Labels from 0 on, noise (−1) as a group of its own."""
    return labels - min(int(labels.min(initial=0)), 0)
