"""From raw feature columns to the coordinates in which customers of one view are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from python_ext.clustering._artefact import reading
from python_ext.clustering._factors import FactorSolution, fit_factors
from python_ext.clustering._views import View, ViewFeature
from python_ext.features import feature_matrix
from python_ext.frames import Schema
from python_ext.imputation import FeatureImputer

LEAST_FLAGGED = 0.01  # share of unknown values from which being unknown is a coordinate
NORMAL_QUARTILES = 1.3489795  # interquartile range of a normal variable of deviation one
FLAG_SUFFIX = "_is_unknown"


LOADINGS_SCHEMA = Schema(
    {
        "view": "string",
        "feature": "string",
        "factor": "bigint",
        "label_en": "string",
        "label_fr": "string",
        "method": "string",
        "loading": "double",
        "communality": "double",
        "variance_share": "double",
        "eigenvalue": "double",
        "eigenvalue_of_chance": "double",
        "kaiser_factors": "bigint",
        "parallel_factors": "bigint",
        "used_for_clustering": "boolean",
        "customers": "bigint",
    },
    key=("view", "feature", "factor"),
)


@dataclass(frozen=True)
class ViewPreparation:
    """Raw features of a view → comparable coordinates; plain numbers, so that it stores as JSON.

    Per feature: transform, fill what is unknown by its strategy, clip at the winsor limits, centre
    and scale by the *observed* values, weigh. Because unknown values do not shrink the spread, a
    feature that few customers have weighs little. Behind the features stands a coordinate for each
    feature of the strategy ``flag`` that at least ``LEAST_FLAGGED`` of the rows do not have:
    whether it is unknown. With a reduction, factor scores take the place of all of them.

    Attributes
    ----------
    features
        Those that tell customers apart.
    weight
        Of each coordinate before a reduction: the seed's times the balance of its group.
    flagged
        Positions of the features whose being unknown is a coordinate.
    dropped
        Feature → why it is not used.
    factors
        Loadings of the prepared features; with a reduction the coordinates are made from them.
    middle, deviation
        Mean and deviation of each coordinate over the fitted rows, before a reduction.
    rows
        How many rows it was fitted on.
    """

    view: str
    reduction: str
    features: list[ViewFeature]
    imputer: dict[str, Any]
    lower: list[float]
    upper: list[float]
    center: list[float]
    spread: list[float]
    weight: list[float]
    flagged: list[int]
    middle: list[float]
    deviation: list[float]
    factors: dict[str, Any]
    rows: int
    dropped: dict[str, str] = field(default_factory=dict)

    @classmethod
    def fit(cls, frame: pd.DataFrame, view: View, *, seed: int = 42) -> ViewPreparation:
        """Learn fillings, limits, scale, weights and factors from the rows known in this view.

        Features without a value or without variation are dropped, with the reason in ``dropped``.

        Parameters
        ----------
        frame
            Rows to learn from; those of whom the view knows nothing are passed over.
        seed
            Of parallel analysis.
        """
        values = feature_matrix(frame, view.features)
        values = values[~np.isnan(values).all(axis=1)]
        dropped: dict[str, str] = {}
        kept: list[int] = []
        scales: list[tuple[float, float, float, float]] = []
        for j, feature in enumerate(view.features):
            known = values[~np.isnan(values[:, j]), j]
            scale = _scale_of(known, feature) if len(known) else None
            if scale is None:
                dropped[feature.name] = (
                    "hardly a value differs" if len(known) else "no value is known"
                )
                continue
            kept.append(j)
            scales.append(scale)
        features = [view.features[j] for j in kept]
        values = values[:, kept]
        imputer = FeatureImputer([f.imputation for f in features], indicators="none").fit(values)
        shares = imputer.missing_share_
        flagged = [
            j
            for j, feature in enumerate(features)
            if feature.imputation == "flag" and LEAST_FLAGGED <= shares[j] <= 1 - LEAST_FLAGGED
        ]
        scales += [
            (0.0, 1.0, shares[j], float(np.sqrt(shares[j] * (1 - shares[j])))) for j in flagged
        ]
        lower, upper, center, spread = np.array(scales, dtype=float).reshape(-1, 4).T.tolist()
        plain = cls(
            view=view.name,
            reduction="none",
            features=features,
            imputer=imputer.to_dict(),
            lower=lower,
            upper=upper,
            center=center,
            spread=spread,
            weight=[1.0] * len(scales),
            flagged=flagged,
            middle=[],
            deviation=[],
            factors={},
            rows=len(values),
            dropped=dropped,
        )
        points = plain._scaled(values)
        members = [features[j] for j in [*range(len(features)), *flagged]]
        weight = _balance(points, [feature.view for feature in members])
        weight = weight * [feature.weight for feature in members]
        method = "factor" if view.reduction == "factor" else "pca"
        middle, deviation, correlation = _correlate(points)
        factors = fit_factors(correlation, len(points), method=method, seed=seed)
        # Without a factor beyond chance there is nothing to reduce to, and the features stay.
        reduction = view.reduction if factors.count else "none"
        return replace(
            plain,
            reduction=reduction,
            weight=weight.tolist() if reduction == "none" else plain.weight,
            middle=middle.tolist(),
            deviation=deviation.tolist(),
            factors=factors.to_dict(),
        )

    @property
    def width(self) -> int:
        """Number of coordinates."""
        return len(self.weight) if self.reduction == "none" else self.solution.count

    @property
    def solution(self) -> FactorSolution:
        """Loadings of the prepared features and what decided their number."""
        return FactorSolution.from_dict(self.factors)

    @property
    def coordinates(self) -> list[str]:
        """Name of each coordinate: a feature, a feature's being unknown, or a factor."""
        if self.reduction != "none":
            return [f"factor_{number + 1}" for number in range(self.width)]
        return self._prepared

    @property
    def _prepared(self) -> list[str]:
        names = [feature.name for feature in self.features]
        return names + [names[j] + FLAG_SUFFIX for j in self.flagged]

    def known(self, frame: pd.DataFrame) -> np.ndarray:
        """Mask of the rows that can be segmented: at least one feature of the view is known."""
        if not self.features:
            return np.zeros(len(frame), bool)
        known = np.zeros(len(frame), bool)
        for feature in self.features:
            if known.all():
                break
            known |= np.isfinite(frame[feature.name].to_numpy(dtype=float, na_value=np.nan))
        return known

    def transform(self, frame: pd.DataFrame, *, clip: bool = True) -> np.ndarray:
        """Coordinates, shape (rows, ``width``).

        ``clip=False`` leaves extreme values where they are, to tell how far out a row lies.
        """
        values = feature_matrix(frame, self.features)
        return self._reduced(self._scaled(values, clip=clip))

    def transform_both(self, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates clipped and not clipped, with the columns read and filled once."""
        filled = self._filled(feature_matrix(frame, self.features))
        clipped = np.clip(filled, self.lower, self.upper)
        return (
            self._reduced(self._weighed(clipped)),
            self._reduced(self._weighed(filled)),
        )

    def count_imputed(self, frame: pd.DataFrame) -> np.ndarray:
        """How many features of each row are unknown and stand filled in the coordinates."""
        return np.isnan(feature_matrix(frame, self.features, transform=False)).sum(axis=1)

    def loadings(self) -> pd.DataFrame:
        """One row per prepared feature and factor: columns of ``LOADINGS_SCHEMA``.

        Where the view is not reduced these are the components of its prepared features all the
        same, for reading; ``used_for_clustering`` tells which. No row where no factor lies beyond
        chance.
        """
        solution, names = self.solution, self._prepared
        members = [self.features[j] for j in [*range(len(self.features)), *self.flagged]]
        explained = (solution.loadings**2).sum(axis=0) / max(len(names), 1)
        communalities = solution.communalities
        rows = [
            {
                "view": self.view,
                "feature": name,
                "factor": number + 1,
                "label_en": _flag_label(feature.label_en, i >= len(self.features), "unknown"),
                "label_fr": _flag_label(feature.label_fr, i >= len(self.features), "inconnu"),
                "method": solution.method,
                "loading": solution.loadings[i, number],
                "communality": communalities[i],
                "variance_share": explained[number],
                "eigenvalue": solution.eigenvalues[number],
                "eigenvalue_of_chance": solution.chance[number],
                "kaiser_factors": solution.kaiser,
                "parallel_factors": solution.parallel,
                "used_for_clustering": self.reduction != "none",
                "customers": self.rows,
            }
            for i, (name, feature) in enumerate(zip(names, members, strict=True))
            for number in range(solution.count)
        ]
        return pd.DataFrame(rows, columns=list(LOADINGS_SCHEMA))

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> ViewPreparation:
        """The inverse of ``to_dict``.

        Raises
        ------
        ArtefactError
            If it was stored by a version with other parts.
        """
        with reading("the preparation of a stored segment model"):
            features = [ViewFeature(**feature) for feature in stored["features"]]
            preparation = cls(**{**stored, "features": features})
            # These are read where they are used; what they lack must be told here.
            FeatureImputer.from_dict(preparation.imputer)
            FactorSolution.from_dict(preparation.factors)
            return preparation

    def _filled(self, values: np.ndarray) -> np.ndarray:
        unknown = np.isnan(values[:, self.flagged]).astype(float)
        filled = FeatureImputer.from_dict(self.imputer).transform(values)
        return np.column_stack([filled, unknown])

    def _weighed(self, filled: np.ndarray) -> np.ndarray:
        return (filled - np.array(self.center)) * (np.array(self.weight) / np.array(self.spread))

    def _scaled(self, values: np.ndarray, *, clip: bool = True) -> np.ndarray:
        filled = self._filled(values)
        return self._weighed(np.clip(filled, self.lower, self.upper) if clip else filled)

    def _reduced(self, points: np.ndarray) -> np.ndarray:
        if self.reduction == "none":
            return points
        standardised = (points - np.array(self.middle)) / np.array(self.deviation)
        return standardised @ self.solution.scores


def _scale_of(known: np.ndarray, feature: ViewFeature) -> tuple[float, float, float, float] | None:
    """Winsor limits, centre and spread of the known values; None where hardly one differs."""
    lower, upper = np.quantile(known, [feature.winsor_lower, 1 - feature.winsor_upper])
    clipped = np.clip(known, lower, upper)
    deviation = float(clipped.std())
    if deviation <= 1e-9 * max(1.0, float(np.abs(clipped).max())):
        return None
    if feature.scaling == "min_max":
        return lower, upper, lower, upper - lower
    if feature.scaling == "robust":
        first, middle, third = np.quantile(known, [0.25, 0.5, 0.75])
        # More than half of the values may be equal; then the deviation has to do.
        robust = (third - first) / NORMAL_QUARTILES
        return lower, upper, middle, robust if robust > 1e-9 * deviation else deviation
    return lower, upper, float(clipped.mean()), deviation


def _balance(points: np.ndarray, groups: list[str]) -> np.ndarray:
    """1 / sqrt(first eigenvalue) of the covariance matrix of each group of coordinates.

    The weighting of multiple factor analysis (Escofier and Pagès 1990): ten columns that say the
    same thing weigh as one, ten independent ones keep their weight.
    """
    weights = np.ones(len(groups))
    if not len(points):
        return weights
    for group in set(groups):
        members = np.array([j for j, name in enumerate(groups) if name == group])
        part = points[:, members] - points[:, members].mean(axis=0)
        covariance = part.T @ part / len(points)
        weights[members] = 1 / np.sqrt(max(float(np.linalg.eigvalsh(covariance)[-1]), 1e-12))
    return weights


def _correlate(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, deviation and correlations of the columns."""
    if not points.size:
        width = points.shape[1]
        return np.zeros(width), np.ones(width), np.eye(width)
    middle, deviation = points.mean(axis=0), points.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    standardised = (points - middle) / deviation
    correlation = standardised.T @ standardised / len(points)
    np.fill_diagonal(correlation, 1.0)
    return middle, deviation, correlation


def _flag_label(label: str, is_flag: bool, word: str) -> str:
    return f"{label} ({word})" if is_flag else label
