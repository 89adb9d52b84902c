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
    columns = {
        "x": np.asarray(x, dtype=float),
        "t_x": np.asarray(t_x, dtype=float),
        "t": np.asarray(t, dtype=float),
    }
    rows = pd.DataFrame(columns)
    rows["weight"] = 1.0 if weight is None else np.asarray(weight, dtype=float)
    wrong = (
        rows.isna().any(axis=1)
        | (rows["x"] < 0)
        | (rows["t_x"] < 0)
        | (rows["t_x"] > rows["t"])
        | (rows["weight"] < 0)
        | ((rows["x"] == 0) & (rows["t_x"] > 0))
    )
    if wrong.any():
        raise SegmentationError(
            f"{int(wrong.sum())} histories cannot be: x and the times are not negative, t_x is at "
            "most t, and a customer without a repeat purchase has a t_x of 0."
        )
    pooled = rows.groupby(["x", "t_x", "t"], sort=True)["weight"].sum().reset_index()
    return Histories(*(pooled[name].to_numpy() for name in ("x", "t_x", "t", "weight")))
