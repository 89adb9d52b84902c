"""Predictions pooled by probability, and customers drawn anew from them many times over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from python_ext.errors import SegmentationError

MOST_CELLS = 1024  # cells of resampling; more cells than that change no interval visibly
BLOCK = 50  # resamples held in memory at a time


def checked(label: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels as booleans and probabilities as floats, both of one length and known.

    Raises
    ------
    SegmentationError
        If lengths differ, or a label is unknown, or a probability is unknown or no probability.
    """
    if pd.isna(pd.Series(label)).any():
        raise SegmentationError("a label is unknown; judge only rows whose outcome is known")
    label = np.asarray(label).astype(bool)
    probability = np.asarray(probability, dtype=float)
    if label.shape != probability.shape or label.ndim != 1:
        raise SegmentationError(
            f"{label.shape} labels and {probability.shape} probabilities: give one of each per row"
        )
    # A comparison with NaN is false, so unknown probabilities are found as well.
    wrong = ~((probability >= 0) & (probability <= 1))
    if wrong.any():
        raise SegmentationError(
            f"{int(wrong.sum())} of {len(wrong)} probabilities are unknown or not between 0 and 1"
        )
    return label, probability


@dataclass(frozen=True)
class Pooled:
    """Rows with the same probability, counted together.

    Attributes
    ----------
    probability
        Shape (cells,), ascending.
    hits, misses
        Rows of each cell for which it happened, and did not. Shape (draws, cells): one draw for
        what was seen, many for resamples.
    cell
        Cell of each row, shape (rows,).
    """

    probability: np.ndarray
    hits: np.ndarray
    misses: np.ndarray
    cell: np.ndarray


def pool(label: np.ndarray, probability: np.ndarray) -> Pooled:
    """Hits and misses of each distinct probability: the order of the rows means nothing."""
    distinct, cell = np.unique(probability, return_inverse=True)
    return _counted(label, distinct, cell)


def _counted(label: np.ndarray, probability: np.ndarray, cell: np.ndarray) -> Pooled:
    hits = np.bincount(cell[label], minlength=len(probability))
    misses = np.bincount(cell[~label], minlength=len(probability))
    return Pooled(probability, hits[None, :].astype(float), misses[None, :].astype(float), cell)


def coarsen(pooled: Pooled, label: np.ndarray, *, cut: float | None, bins: int) -> Pooled:
    """Join neighbouring probabilities into at most about ``MOST_CELLS`` cells of equal size.

    Resampling then costs the same however many rows there are. No cell reaches over ``cut`` or
    over the border of a calibration bin. A cell takes the mean of its probabilities.
    """
    if len(pooled.probability) <= MOST_CELLS:
        return pooled
    rows = pooled.hits[0] + pooled.misses[0]
    part = np.floor((np.cumsum(rows) - rows / 2) * MOST_CELLS / rows.sum())
    border = np.diff(part) + np.diff(equal_bins(rows, bins=bins))
    if cut is not None:
        border += np.diff(pooled.probability > cut)
    joined = np.concatenate([[0], np.cumsum(border > 0)])
    weight = np.bincount(joined, weights=rows)
    middle = np.bincount(joined, weights=rows * pooled.probability) / weight
    return _counted(label, middle, joined[pooled.cell])


def equal_bins(rows: np.ndarray, *, bins: int) -> np.ndarray:
    """Bin of each cell, ascending from 0: about equally many rows in each, no cell cut in two."""
    middle = np.cumsum(rows) - rows / 2
    return np.minimum(middle * bins // rows.sum(), bins - 1).astype(int)


def resample(
    pooled: Pooled,
    label: np.ndarray,
    *,
    group: np.ndarray | None,
    resamples: int,
    rng: np.random.Generator,
) -> Iterator[Pooled]:
    """Draw customers with replacement, ``BLOCK`` resamples at a time.

    Without groups a row is a customer, and the counts of a resample are multinomial. With groups
    all rows of a drawn group come along, as often as it is drawn.
    """
    cells = len(pooled.probability)
    counts = np.concatenate([pooled.hits[0], pooled.misses[0]])
    if group is not None:
        place = pooled.cell + np.where(label, 0, cells)
        code = np.unique(group, return_inverse=True)[1]
        groups = int(code.max()) + 1
    for start in range(0, resamples, BLOCK):
        draws = min(BLOCK, resamples - start)
        if group is None:
            rows = len(pooled.cell)
            drawn = rng.multinomial(rows, counts / counts.sum(), size=draws).astype(float)
        else:
            drawn = np.empty((draws, 2 * cells))
            for draw in range(draws):
                times = np.bincount(rng.integers(0, groups, groups), minlength=groups)
                drawn[draw] = np.bincount(place, weights=times[code], minlength=2 * cells)
        yield Pooled(pooled.probability, drawn[:, :cells], drawn[:, cells:], pooled.cell)


def interval(found: np.ndarray, *, level: float) -> tuple[float, float]:
    """Percentile interval of the resamples that gave a figure; NaN where fewer than half did."""
    known = found[np.isfinite(found)]
    if len(known) == 0 or len(known) < len(found) / 2:
        return np.nan, np.nan
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
