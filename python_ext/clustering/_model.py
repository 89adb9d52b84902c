"""A fitted segmentation that can be stored, read back safely, and applied in batches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from scipy.special import softmax

from python_ext.clustering._preparation import ViewPreparation
from python_ext.errors import SegmentationError
from python_ext.features import Feature
from python_ext.frames import Schema
from python_ext.imputation import FeatureImputer

FORMAT = "segmentation.kmeans.3"
CUSTOMER_KEY = "customer_key"

CLUSTERS_SCHEMA = Schema(
    {
        "customer_key": "string",
        "segment_id": "bigint",
        "membership_probability": "double",
        "second_segment_id": "bigint",
        "second_probability": "double",
        "distance": "double",
        "is_outlier": "boolean",
        "imputed_features": "bigint",
        "model_id": "string",
    },
    key=("customer_key",),
)


class ArtefactError(SegmentationError):
    """A stored model is damaged, altered, or of a kind this version cannot read."""


@dataclass(frozen=True)
class SegmentModel:
    """Centroids in prepared coordinates with what is needed to assign any customer.

    Attributes
    ----------
    preparation
        From raw features to coordinates.
    centroids
        Shape (k, coordinates); row i is segment i + 1.
    shares
        Share of the fitted customers in each segment.
    variance
        Within-segment variance per effective dimension, pooled over segments.
    limits
        Distance to its centroid beyond which a member of a segment counts as an outlier.
    """

    preparation: ViewPreparation
    centroids: np.ndarray
    shares: np.ndarray
    variance: float
    limits: np.ndarray

    @property
    def k(self) -> int:
        """Number of segments."""
        return len(self.centroids)

    @classmethod
    def fit(
        cls,
        frame: pd.DataFrame,
        preparation: ViewPreparation,
        points: np.ndarray,
        labels: np.ndarray,
        *,
        worth: np.ndarray,
        outlier: float,
    ) -> SegmentModel:
        """Describe a finished clustering.

        Parameters
        ----------
        frame, points
            The fitted customers, raw and prepared.
        labels
            Cluster of each customer, 0…k−1.
        worth
            Segments are numbered by its mean, largest first, so that the same solution always
            gets the same numbers.
        outlier
            Limit = median + outlier · 1.4826 · MAD of the members' distances.
        """
        k = int(labels.max(initial=0)) + 1
        members = [labels == cluster for cluster in range(k)]
        centroids = np.array(
            [points[m].mean(axis=0) if m.any() else np.zeros(points.shape[1]) for m in members]
        )
        value = [float(worth[m].mean()) if m.any() else 0.0 for m in members]
        order = sorted(range(k), key=lambda c: (-value[c], tuple(centroids[c])))
        centroids = centroids[order]
        number = np.argsort(order)[labels]
        shares = np.bincount(number, minlength=k) / max(len(number), 1)
        far = preparation.transform(frame, clip=False) - centroids[number]
        distance = np.sqrt((far**2).sum(axis=1))
        return cls(
            preparation,
            centroids,
            shares if len(number) else np.ones(k),
            _effective_variance(points - centroids[number]),
            np.array([_robust_limit(distance[number == c], outlier) for c in range(k)]),
        )

    def assign(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Segment of each customer with its probability.

        The probability is the posterior of a mixture of spherical Gaussians with the fitted
        centroids c, shares π and one variance σ²: p_j ∝ π_j · exp(−|x − c_j|² / 2σ²). The segment
        is the most probable one. ``distance`` is Euclidean, to the segment's centroid, before
        winsorising, so that an extreme customer is seen as one.

        Returns
        -------
        pandas.DataFrame
            Columns of ``CLUSTERS_SCHEMA``, one row per row of ``frame``.
        """
        points = self.preparation.transform(frame)
        squared = cdist(points, self.centroids, "sqeuclidean")
        posterior = softmax(np.log(self.shares) - squared / (2 * self.variance), axis=1)
        ranked = np.argsort(-posterior, axis=1, kind="stable")
        rows, first = np.arange(len(frame)), ranked[:, 0]
        far = self.preparation.transform(frame, clip=False) - self.centroids[first]
        distance = np.sqrt((far**2).sum(axis=1))
        second = ranked[:, 1] if self.k > 1 else None
        return pd.DataFrame(
            {
                "customer_key": frame[CUSTOMER_KEY].to_numpy(),
                "segment_id": first + 1,
                "membership_probability": posterior[rows, first],
                "second_segment_id": second + 1 if second is not None else np.nan,
                "second_probability": posterior[rows, second] if second is not None else np.nan,
                "distance": distance,
                "is_outlier": distance > self.limits[first],
                "imputed_features": self.preparation.count_imputed(frame),
                "model_id": self.model_id,
            }
        )

    @property
    def imputation(self) -> tuple[list[Feature], FeatureImputer]:
        """Its features with what stands in for their unknown values."""
        return self.preparation.features, FeatureImputer.from_dict(self.preparation.imputer)

    def to_bytes(self) -> bytes:
        """JSON text: readable, and nothing in it can run."""
        content = {
            "format": FORMAT,
            "preparation": self.preparation.to_dict(),
            "centroids": self.centroids.tolist(),
            "shares": self.shares.tolist(),
            "variance": self.variance,
            "limits": self.limits.tolist(),
        }
        return json.dumps(content, sort_keys=True, allow_nan=False).encode()

    @property
    def model_id(self) -> str:
        """First 16 hexadecimal characters of the artefact's SHA-256."""
        return hashlib.sha256(self.to_bytes()).hexdigest()[:16]

    @classmethod
    def from_bytes(cls, artefact: bytes, *, model_id: str) -> SegmentModel:
        """Read an artefact whose hash is its model id.

        Raises
        ------
        ArtefactError
            If the bytes do not hash to ``model_id`` or are of another format.
        """
        artefact = bytes(artefact)
        if hashlib.sha256(artefact).hexdigest()[:16] != model_id:
            raise ArtefactError(
                f"the artefact of segment model {model_id} was altered after it was written: its "
                "hash differs. Rebuild ml_segment_models."
            )
        stored: Mapping[str, Any] = json.loads(artefact)
        if stored.get("format") != FORMAT:
            raise ArtefactError(
                f"segment model {model_id} has the format {stored.get('format')!r}; this version "
                f"reads {FORMAT!r}. Rebuild ml_segment_models."
            )
        preparation = ViewPreparation.from_dict(stored["preparation"])
        centroids = np.array(stored["centroids"], dtype=float)
        return cls(
            preparation,
            centroids.reshape(len(stored["shares"]), preparation.width),
            np.array(stored["shares"], dtype=float),
            float(stored["variance"]),
            np.array(stored["limits"], dtype=float),
        )


def _effective_variance(residual: np.ndarray) -> float:
    """Within-segment sum of squares per row and effective dimension.

    Correlated coordinates repeat each other; counted as independent they would make every
    membership look certain. The effective number is the participation ratio (Σλ)² / Σλ² of the
    eigenvalues λ of the within-segment covariance.
    """
    if residual.size == 0:
        return 1.0
    covariance = residual.T @ residual / len(residual)
    total, squares = float(np.trace(covariance)), float((covariance**2).sum())
    return squares / total if total > 1e-12 else 1.0


def _robust_limit(distance: np.ndarray, outlier: float) -> float:
    if not len(distance):
        return float(np.finfo(float).max)
    center = float(np.median(distance))
    spread = 1.4826 * float(np.median(np.abs(distance - center)))
    # Without spread every rounding difference would be an outlier.
    return center + outlier * spread if spread > 0 else max(2 * center, 1e-6)


def load_chosen(models: pd.DataFrame, *, level: str = "segment") -> SegmentModel:
    """The chosen model of a level out of the rows of ``ml_segment_models``.

    Raises
    ------
    ArtefactError
        If there is not exactly one chosen row, or its artefact is refused.
    """
    chosen = models[(models["level"] == level) & models["is_chosen"].astype(bool)]
    if len(chosen) != 1:
        raise ArtefactError(f"level {level} has {len(chosen)} chosen models, expected one")
    row = chosen.iloc[0]
    return SegmentModel.from_bytes(row["artefact"], model_id=row["model_id"])
