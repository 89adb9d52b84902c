"""Categories as numbers, learned from training rows, without a row ever seeing its own label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from python_ext.propensity._folds import grouped_folds

FEW_LEVELS = 8
RARE_SHARE = 0.01
RARE_ROWS = 20
CROSS_FOLDS = 5
POOLED_SHARE = 0.2  # of the rows, that rare levels may share one column for
LEAST_WEIGHT = 10.0  # rows the overall rate counts for, at the least
RARE = "(rare)"
UNKNOWN = "(unknown)"


class FeatureEncoder(TransformerMixin, BaseEstimator):
    """Numbers as they are, then each category as one column or several.

    A category with at most ``few_levels`` levels that are not rare becomes a column of 0 and 1
    per level; the rare levels share one, which also takes levels never seen. One with more levels
    becomes the log-odds of its level's smoothed rate. In the training rows that rate comes from
    other groups alone (``fit_transform`` with ``groups``): no row meets its own label, nor another
    of the same customer. An unknown value is a level of its own.

    Parameters
    ----------
    categories
        Names of the columns that are categories; all others are numbers.
    few_levels
        Most levels that get columns of their own.

    Attributes
    ----------
    names_
        Input columns, numbers first, then categories, each in the given order.
    outputs_
        For each output column: position in ``names_`` it is made of.
    output_names_
        ``device=mobile``, ``device=(rare)``, ``device=(unknown)`` or ``device`` for a rate.
    levels_
        Per category its levels, ``(unknown)`` last where there is one.
    rates_
        Per category the log-odds of each level; empty where it has columns of its own.
    prior_
        Log-odds of the overall rate, for levels never seen.

    Notes
    -----
    The rate of a level with n rows and s positives is ``(s + m p) / (n + m)``. m is found by the
    method of moments for a beta-binomial: where levels differ by chance alone it is large, and all
    levels get the overall rate p (Micci-Barreca 2001 for the blend).
    """

    def __init__(self, categories: Sequence[str] = (), *, few_levels: int = FEW_LEVELS) -> None:
        self.categories = categories
        self.few_levels = few_levels

    def fit(self, frame: pd.DataFrame, y: Any = None) -> FeatureEncoder:
        """Learn levels and rates from these rows; ``y`` is needed for categories of many levels."""
        wanted = list(self.categories)
        numbers = [name for name in frame.columns if name not in set(wanted)]
        self.names_ = [*numbers, *wanted]
        self.outputs_ = list(range(len(numbers)))
        self.output_names_ = list(numbers)
        self.levels_: list[list[str]] = []
        self.rates_: list[np.ndarray] = []
        label = None if y is None else np.asarray(y, dtype=float)
        # A constant label has no log-odds; half a row on either side keeps them finite.
        rate = 0.5 if label is None else (label.sum() + 0.5) / (len(label) + 1)
        self.prior_ = float(np.log(rate / (1 - rate)))
        for name in wanted:
            texts, row = _texts(frame[name])
            levels, level = np.unique(texts, return_inverse=True)
            counts = np.bincount(level[row], minlength=len(levels))
            levels, counts = levels[counts > 0], counts[counts > 0]
            floor = max(RARE_ROWS, RARE_SHARE * len(frame))
            common = [str(v) for v, n in zip(levels, counts, strict=True) if n >= floor]
            pooled = counts[counts < floor].sum() > POOLED_SHARE * len(frame)
            place = len(self.levels_) + len(numbers)
            if len(common) <= self.few_levels and not pooled:
                self.levels_.append(common)
                self.rates_.append(np.empty(0))
                shown = [*common, RARE]
                self.output_names_ += [f"{name}={level}" for level in shown]
                self.outputs_ += [place] * len(shown)
            else:
                if label is None:
                    raise ValueError(f"the category {name} has many levels: fit needs labels")
                self.levels_.append([str(v) for v in levels])
                code = self._codes(frame[name], -1)
                self.rates_.append(_log_odds(code, label, len(levels), rate))
                self.output_names_.append(name)
                self.outputs_.append(place)
        return self

    def _codes(self, column: pd.Series, category: int) -> np.ndarray:
        texts, row = _texts(column)
        return pd.Index(self.levels_[category]).get_indexer(texts)[row]

    def transform(self, frame: pd.DataFrame) -> np.ndarray:
        """The output columns for rows that were not fitted on."""
        return self._encoded(frame, [None] * len(self.levels_))

    def _encoded(self, frame: pd.DataFrame, rates: list[np.ndarray | None]) -> np.ndarray:
        numbers = len(self.names_) - len(self.levels_)
        encoded = np.zeros((len(frame), len(self.outputs_)))
        for j, name in enumerate(self.names_[:numbers]):
            encoded[:, j] = frame[name].to_numpy(dtype=float)
        column = numbers
        for category, name in enumerate(self.names_[numbers:]):
            levels = self.levels_[category]
            if len(self.rates_[category]):
                if rates[category] is not None:
                    encoded[:, column] = rates[category]
                else:
                    table = np.append(self.rates_[category], self.prior_)
                    encoded[:, column] = table[self._codes(frame[name], category)]
                column += 1
            else:
                code = self._codes(frame[name], category)
                encoded[np.arange(len(frame)), column + np.where(code < 0, len(levels), code)] = 1.0
                column += len(levels) + 1
        return encoded

    def fit_transform(
        self, frame: pd.DataFrame, y: Any = None, groups: np.ndarray | None = None
    ) -> np.ndarray:
        """Fit, and encode the same rows with rates of other groups than their own.

        Parameters
        ----------
        groups
            Customer of each row; each row is its own group if not given.
        """
        self.fit(frame, y)
        rates: list[np.ndarray | None] = [None] * len(self.levels_)
        if any(len(known) for known in self.rates_):
            label = np.asarray(y, dtype=float)
            owner = np.arange(len(frame)) if groups is None else np.asarray(groups)
            folds = grouped_folds(label, owner, folds=CROSS_FOLDS)
            # One overall rate for all: one per fold would tell the rows of a fold apart.
            overall = (label.sum() + 0.5) / (len(label) + 1)
            for category, known in enumerate(self.rates_):
                if len(known):
                    code = self._codes(frame[self.names_[category - len(self.levels_)]], category)
                    rates[category] = np.empty(len(frame))
                    for inside, outside in folds:
                        table = _log_odds(code[inside], label[inside], len(known), overall)
                        rates[category][outside] = table[code[outside]]
        return self._encoded(frame, rates)


def _texts(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """The distinct texts of a column, the unknown last, and the place of each row's among them."""
    place, distinct = pd.factorize(column)  # -1, which is the last place, where it is unknown
    return np.array([*map(str, distinct), UNKNOWN]), place


def _log_odds(code: np.ndarray, label: np.ndarray, levels: int, overall: float) -> np.ndarray:
    """Log-odds of the smoothed rate of each level; of the overall rate where a level has no row."""
    size = np.bincount(code, minlength=levels).astype(float)
    hits = np.bincount(code, weights=label, minlength=levels)
    weight = prior_weight(hits, size)
    rate = (hits + weight * overall) / (size + weight) if np.isfinite(weight) else overall
    return np.log(rate / (1 - rate)) * np.ones(levels)


def prior_weight(hits: np.ndarray, size: np.ndarray) -> float:
    """Rows the overall rate counts for beside those of a level; infinite if levels do not differ.

    The method of moments of a beta-binomial: with rate p and levels of n_i rows, the expected sum
    of ``n_i (r_i - p)^2`` is ``p (1 - p) [(k - 1) + rho (N - sum n_i^2 / N - (k - 1))]``, and m is
    ``1 / rho - 1`` (Kleinman 1973 with weights n_i).
    """
    hits, size = hits[size > 0], size[size > 0]
    total, levels = size.sum(), len(size)
    rate = hits.sum() / total if total else 0.0
    spare = total - (size**2).sum() / total - (levels - 1) if total else 0.0
    if levels < 2 or spare <= 0 or not 0 < rate < 1:
        return np.inf
    spread = (size * (hits / size - rate) ** 2).sum() / (rate * (1 - rate))
    correlation = (spread - (levels - 1)) / spare
    if correlation <= 0:
        return np.inf
    return max(1 / correlation - 1, LEAST_WEIGHT)
