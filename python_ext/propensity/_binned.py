"""Boosting on bins found once, for several fits on the same rows."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.ensemble._hist_gradient_boosting.binning import _BinMapper


@dataclass(frozen=True)
class Bins:
    """Training rows as numbers of bins, for fits of the same ``max_bins`` on these very rows.

    To find them takes a third of a small fit, and neither label nor settings change them.

    Attributes
    ----------
    codes
        Shape (rows, columns), by columns.
    mapper
        What they stand for.
    """

    codes: np.ndarray
    mapper: Any

    @classmethod
    def find(cls, values: np.ndarray, *, max_bins: int) -> Bins:
        """Bins of values, unknown ones as NaN; a column needs one that is known."""
        mapper = _BinMapper(n_bins=max_bins + 1, random_state=0, n_threads=1)
        return cls(mapper.fit_transform(values), mapper)

    def of(self, columns: np.ndarray) -> Bins:
        """The same of some columns; each has bins of its own."""
        mapper = copy.copy(self.mapper)
        mapper.bin_thresholds_ = [self.mapper.bin_thresholds_[j] for j in columns]
        mapper.n_bins_non_missing_ = self.mapper.n_bins_non_missing_[columns]
        mapper.is_categorical_ = self.mapper.is_categorical_[columns]
        return Bins(np.asfortranarray(self.codes[:, columns]), mapper)


class BinnedBoosting(HistGradientBoostingClassifier):
    """scikit-learn's boosting, its bins given: the same trees as without."""

    _bins: Bins | None = None

    def fit_binned(
        self, values: np.ndarray, label: np.ndarray, *, bins: Bins | None
    ) -> BinnedBoosting:
        """Fit on rows whose bins are known; None finds them."""
        self._bins = bins
        fitted = self.fit(values, label)
        self._bins = None
        return fitted

    def _bin_data(self, X: np.ndarray, sample_weight: Any, is_training_data: bool) -> np.ndarray:
        if self._bins is None:
            return super()._bin_data(X, sample_weight, is_training_data)
        self._bin_mapper = self._bins.mapper
        return self._bins.codes
