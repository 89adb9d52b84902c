"""From a feature frame to the numbers an estimator reads, fitted inside one training part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from python_ext.features import Feature
from python_ext.imputation import FeatureImputer
from python_ext.propensity._encoding import FeatureEncoder


@dataclass
class Prepared:
    """One training part as matrices, and the steps that give any other rows the same columns.

    Three ways to read it: ``filled`` has every unknown value filled and flagged, ``scaled`` is
    the same at mean 0 and standard deviation 1, ``open`` leaves unknown what a learner can give a
    branch of its own (features whose imputation is ``flag``).

    ``scaled`` ends at the least and the greatest value of the training part. A shop with a short
    history has nobody with a long one, so at a later cutoff tenure and recency lie beyond what was
    learned from; a tree stops there by itself, a straight line would go on.

    Attributes
    ----------
    features
        Those that are used, a part of the columns of the frame.
    """

    features: list[Feature]
    encoder: FeatureEncoder
    encoded: np.ndarray
    _steps: dict[str, list[Any]] = field(default_factory=dict)

    @classmethod
    def fit(
        cls,
        frame: pd.DataFrame,
        features: Sequence[Feature],
        *,
        label: np.ndarray,
        group: np.ndarray,
    ) -> Prepared:
        """Learn from the rows of one training part; ``frame`` is a ``feature_frame``."""
        features = list(features)
        encoder = FeatureEncoder([f.name for f in features if f.kind == "category"])
        encoded = encoder.fit_transform(frame[[f.name for f in features]], label, groups=group)
        return cls(features, encoder, encoded)

    def _imputer(self, reads: str) -> FeatureImputer:
        numbers = [f.imputation for f in self.features if f.kind == "number"]
        strategies = [*numbers, *["zero"] * (self.encoded.shape[1] - len(numbers))]
        if reads == "open":
            return FeatureImputer(strategies, keep_flagged=True, indicators="none")
        return FeatureImputer(strategies)

    def steps(self, reads: str) -> list[Any]:
        """Fitted steps, the encoder first."""
        if reads not in self._steps:
            imputer = self._imputer(reads)
            steps = [self.encoder, imputer.fit(self.encoded)]
            if reads == "scaled":
                filled = imputer.transform(self.encoded)
                ranged = MinMaxScaler(clip=True).fit(filled)
                steps += [ranged, StandardScaler().fit(ranged.transform(filled))]
            self._steps[reads] = steps
        return self._steps[reads]

    def matrix(self, reads: str, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Rows of the training part itself, their categories encoded across groups.

        Made when asked for: of many rows, three matrices would fill the memory.
        """
        values = self.encoded[rows]
        for step in self.steps(reads)[1:]:
            values = step.transform(values)
        return values

    def transform(self, frame: pd.DataFrame, reads: str) -> np.ndarray:
        """Other rows."""
        values: Any = frame[[f.name for f in self.features]]
        for step in self.steps(reads):
            values = step.transform(values)
        return values
