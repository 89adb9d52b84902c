"""Customers with the same history are one row with a weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from python_ext.errors import SegmentationError


@dataclass(frozen=True)
class Histories:
    """Pooled histories.

    Attributes
    ----------
    x, t_x, t : numpy.ndarray
        Repeat purchases, time from the first to the last purchase, time from the first purchase to
        the end of observation. Times are in the unit the caller chose.
    weight : numpy.ndarray
        Customers with this history.
    """

    x: np.ndarray
    t_x: np.ndarray
    t: np.ndarray
    weight: np.ndarray

    @property
    def customers(self) -> float:
        """All customers."""
        return float(self.weight.sum())

    @property
    def repeat_customers(self) -> float:
        """Customers who bought again."""
        return float(self.weight[self.x > 0].sum())


def pool(x, t_x, t, weight=None) -> Histories:
    """Count identical rows once.

    Parameters
    ----------
    x, t_x, t : array_like
        As in ``Histories``.
    weight : array_like, optional
        Customers that a row stands for; one if not given.

    Raises
    ------
    SegmentationError
        A history cannot be: a negative number, a last purchase after the end, a missing value.
    """
    columns = [np.asarray(column, dtype=float) for column in (x, t_x, t)]
    x, t_x, t = columns
    weight = np.ones(len(x)) if weight is None else np.asarray(weight, dtype=float)
    fits = (x >= 0) & (t_x >= 0) & (t_x <= t) & (weight >= 0) & ((x > 0) | (t_x == 0))
    wrong = len(fits) - np.count_nonzero(fits)
    if wrong:
        raise SegmentationError(
            f"{wrong} histories cannot be: x and the times are not negative, t_x is at most t, and "
            "a customer without a repeat purchase has a t_x of 0."
        )
    # One whole number per history: a table of hashes over it is much faster than one over rows.
    key = np.zeros(len(x), dtype=np.int64)
    for column in columns:
        codes, levels = pd.factorize(column)
        key = key * max(len(levels), 1) + codes
    codes, levels = pd.factorize(key)
    weights = np.bincount(codes, weights=weight, minlength=len(levels))
    first = np.empty(len(levels), dtype=np.int64)
    first[codes[::-1]] = np.arange(len(x))[::-1]
    x, t_x, t = (column[first] for column in columns)
    order = np.lexsort((t, t_x, x))
    return Histories(x[order], t_x[order], t[order], weights[order])
