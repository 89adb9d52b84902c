"""Values for what is unknown, by a strategy per column, learned from the rows it is fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.impute import KNNImputer

STRATEGIES = ("median", "mean", "mode", "knn", "zero", "flag")
DONORS = 500  # most rows among which nearest neighbours are sought
NEIGHBOURS = 5


class FeatureImputer(TransformerMixin, BaseEstimator):
    """Fill unknown values, each column by its own strategy.

    Parameters
    ----------
    strategies
        One of ``STRATEGIES`` per column. ``flag`` is the strategy without a model: the median
        stands in and a further column says that it does; with ``keep_flagged`` the value stays
        unknown instead.
    keep_flagged
        For learners that give unknown values a branch of their own.
    indicators
        ``all`` adds a column for every column with an unknown value in the fitted rows, ``flag``
        only for those whose strategy is ``flag``, ``none`` adds none.

    Attributes
    ----------
    statistics_
        The value per column; for ``knn`` what stands in where no neighbour knows either.
    missing_share_
        Share of the fitted rows in which the column is unknown.
    flagged_
        Columns that get an indicator, in order.
    donors_
        Fitted rows, standardised, among which neighbours are sought: at most ``DONORS`` of them,
        evenly spaced; empty where no column asks for neighbours.

    Notes
    -----
    Neighbours are the ``NEIGHBOURS`` nearest donors by Euclidean distance over the columns both
    know (scikit-learn's ``KNNImputer``), and the mean of their values is taken.
    """

    def __init__(
        self, strategies: Sequence[str], *, keep_flagged: bool = False, indicators: str = "all"
    ) -> None:
        self.strategies = strategies
        self.keep_flagged = keep_flagged
        self.indicators = indicators

    def fit(self, values: np.ndarray, y: Any = None) -> FeatureImputer:
        """Learn from these rows alone; ``values`` has shape (rows, columns), NaN is unknown."""
        if len(self.strategies) != values.shape[1]:
            raise ValueError(f"{len(self.strategies)} strategies for {values.shape[1]} columns")
        unknown = np.isnan(values)
        self.statistics_ = np.array(
            [
                _statistic(column[~gone], strategy)
                for column, gone, strategy in zip(values.T, unknown.T, self.strategies, strict=True)
            ],
            dtype=float,
        )
        self.missing_share_ = unknown.mean(axis=0) if len(values) else np.zeros(values.shape[1])
        self.flagged_ = [
            j
            for j, strategy in enumerate(self.strategies)
            if unknown[:, j].any()
            and (self.indicators == "all" or (self.indicators == strategy == "flag"))
            and not (self.keep_flagged and strategy == "flag")
        ]
        self._fit_neighbours(values, unknown)
        return self

    def _fit_neighbours(self, values: np.ndarray, unknown: np.ndarray) -> None:
        columns = values.shape[1]
        self.center_, self.spread_ = np.zeros(columns), np.ones(columns)
        self.donors_ = np.empty((0, columns))
        asked = [j for j, strategy in enumerate(self.strategies) if strategy == "knn"]
        rows = np.flatnonzero(~unknown[:, asked].all(axis=1)) if asked else []
        if not len(rows):
            return
        for j in range(columns):
            known = values[~unknown[:, j], j]
            if len(known):
                self.center_[j] = known.mean()
                self.spread_[j] = known.std() or 1.0
        evenly = np.linspace(0, len(rows) - 1, min(len(rows), DONORS)).round().astype(int)
        self.donors_ = (values[rows[evenly]] - self.center_) / self.spread_

    def transform(self, values: np.ndarray) -> np.ndarray:
        """The columns without unknown values, the indicators behind them."""
        unknown = np.isnan(values)
        filled = np.where(unknown, self.statistics_, values)
        asked = [j for j, strategy in enumerate(self.strategies) if strategy == "knn"]
        rows = np.flatnonzero(unknown[:, asked].any(axis=1)) if len(self.donors_) else []
        if len(rows):
            search = KNNImputer(n_neighbors=NEIGHBOURS, keep_empty_features=True)
            search.fit(self.donors_)
            found = search.transform((values[rows] - self.center_) / self.spread_)
            found = found * self.spread_ + self.center_
            for j in asked:
                gone = unknown[rows, j]
                filled[rows[gone], j] = found[gone, j]
        if self.keep_flagged:
            kept = [j for j, strategy in enumerate(self.strategies) if strategy == "flag"]
            filled[:, kept] = values[:, kept]
        return np.column_stack([filled, unknown[:, self.flagged_].astype(float)])

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, for JSON; an unknown value of a donor is None."""
        donors = [[None if x != x else x for x in row] for row in self.donors_.tolist()]
        return {
            "strategies": list(self.strategies),
            "keep_flagged": self.keep_flagged,
            "indicators": self.indicators,
            "statistics": self.statistics_.tolist(),
            "missing_share": self.missing_share_.tolist(),
            "flagged": list(self.flagged_),
            "center": self.center_.tolist(),
            "spread": self.spread_.tolist(),
            "donors": donors,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> FeatureImputer:
        """The inverse of ``to_dict``."""
        imputer = cls(
            stored["strategies"],
            keep_flagged=stored["keep_flagged"],
            indicators=stored["indicators"],
        )
        columns = len(stored["strategies"])
        for name in ("statistics", "missing_share", "center", "spread"):
            setattr(imputer, f"{name}_", np.array(stored[name], dtype=float))
        imputer.flagged_ = list(stored["flagged"])
        imputer.donors_ = np.array(stored["donors"], dtype=float).reshape(
            len(stored["donors"]), columns
        )
        return imputer


def _statistic(known: np.ndarray, strategy: str) -> float:
    """The value that stands in; 0 where nothing is known."""
    if strategy not in STRATEGIES:
        raise ValueError(f"imputation {strategy!r} is none of {STRATEGIES}")
    if strategy == "zero" or not len(known):
        return 0.0
    if strategy == "mean":
        return float(known.mean())
    if strategy == "mode":
        values, counts = np.unique(known, return_counts=True)
        return float(values[counts.argmax()])
    return float(np.median(known))
