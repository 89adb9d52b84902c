"""Who belongs to which segment, by the rule of the algorithm that found the segments.

Each assigner gives a probability per segment and is made of plain numbers, so that it stores as
JSON. Segments are addressed by index 0…k−1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import softmax
from sklearn.mixture import GaussianMixture

EXEMPLARS = 600  # most stored customers that density segments are told by
NEIGHBOURS = 5  # exemplars that vote


@dataclass(frozen=True)
class Centroids:
    """Posterior of spherical Gaussians: p_j ∝ π_j · exp(−|x − c_j|² / 2σ²).

    One variance σ² for all segments, with the fitted centroids c and shares π.
    """

    centroids: np.ndarray
    shares: np.ndarray
    variance: float

    @property
    def k(self) -> int:
        """Number of segments."""
        return len(self.centroids)

    def probabilities(self, points: np.ndarray) -> np.ndarray:
        """Shape (rows, k)."""
        with np.errstate(divide="ignore"):
            prior = np.log(self.shares)
        squared = cdist(points, self.centroids, "sqeuclidean")
        return softmax(prior - squared / (2 * self.variance), axis=1)

    def far_out(self, points: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Nobody: distance alone tells who is an outlier of a centroid."""
        return np.zeros(len(points), bool)

    def reordered(self, order: Sequence[int]) -> Centroids:
        """The same with segment ``order[i]`` as the i-th."""
        return Centroids(self.centroids[order], self.shares[order], self.variance)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers."""
        return {
            "kind": "centroids",
            "centroids": self.centroids.tolist(),
            "shares": self.shares.tolist(),
            "variance": self.variance,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any], width: int) -> Centroids:
        """The inverse of ``to_dict``."""
        centroids = np.array(stored["centroids"], dtype=float).reshape(-1, width)
        return cls(centroids, np.array(stored["shares"], dtype=float), float(stored["variance"]))


@dataclass(frozen=True)
class Mixture:
    """Posterior of a fitted Gaussian mixture, one component per segment.

    Attributes
    ----------
    covariance_type
        full, tied, diag or spherical.
    weights, means
        Shapes (k,) and (k, width).
    precisions
        Cholesky factors of the precisions, in scikit-learn's shape for the covariance type.
    """

    covariance_type: str
    weights: np.ndarray
    means: np.ndarray
    precisions: np.ndarray

    @property
    def k(self) -> int:
        """Number of segments."""
        return len(self.weights)

    @classmethod
    def of(cls, fitted: GaussianMixture) -> Mixture:
        """The parameters of a fitted mixture."""
        return cls(
            fitted.covariance_type, fitted.weights_, fitted.means_, fitted.precisions_cholesky_
        )

    def probabilities(self, points: np.ndarray) -> np.ndarray:
        """Shape (rows, k)."""
        mixture = GaussianMixture(len(self.weights), covariance_type=self.covariance_type)
        mixture.weights_, mixture.means_ = self.weights, self.means
        mixture.precisions_cholesky_ = self.precisions
        return mixture.predict_proba(points) if len(points) else np.empty((0, len(self.weights)))

    def far_out(self, points: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Nobody: distance alone tells."""
        return np.zeros(len(points), bool)

    def reordered(self, order: Sequence[int]) -> Mixture:
        """The same with segment ``order[i]`` as the i-th."""
        order = list(order)
        shared = self.covariance_type == "tied"
        return Mixture(
            self.covariance_type,
            self.weights[order],
            self.means[order],
            self.precisions if shared else self.precisions[order],
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers."""
        return {
            "kind": "mixture",
            "covariance_type": self.covariance_type,
            "weights": self.weights.tolist(),
            "means": self.means.tolist(),
            "precisions": self.precisions.tolist(),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any], width: int) -> Mixture:
        """The inverse of ``to_dict``."""
        arrays = (np.array(stored[name], dtype=float) for name in ("weights", "means"))
        return cls(stored["covariance_type"], *arrays, np.array(stored["precisions"], dtype=float))


@dataclass(frozen=True)
class Exemplars:
    """Segments of any shape, told by stored customers of known segment.

    The probability of a segment is its share of the votes of the ``NEIGHBOURS`` nearest
    exemplars, each weighing the inverse of its squared distance. Who lies farther from the
    nearest exemplar than ``reach`` of its segment is noise.

    Attributes
    ----------
    points, labels
        Shapes (exemplars, width) and (exemplars,).
    reach
        Shape (k,).
    """

    points: np.ndarray
    labels: np.ndarray
    reach: np.ndarray

    @property
    def k(self) -> int:
        """Number of segments."""
        return len(self.reach)

    @classmethod
    def draw(
        cls, points: np.ndarray, labels: np.ndarray, k: int, *, most: int = EXEMPLARS
    ) -> Exemplars:
        """Evenly spaced members of each segment, as many of each as its share asks.

        Parameters
        ----------
        points, labels
            The fitted customers, −1 for noise, which is never an exemplar. ``reach`` is the
            distance within which 99 % of a segment's members have an exemplar of it.
        """
        members = [np.flatnonzero(labels == cluster) for cluster in range(k)]
        total = max(sum(map(len, members)), 1)
        kept = []
        for rows in members:
            number = min(len(rows), max(NEIGHBOURS, round(most * len(rows) / total)))
            kept.append(rows[np.linspace(0, len(rows) - 1, number).round().astype(int)])
        reach = [
            float(np.quantile(cdist(points[rows], points[own]).min(axis=1), 0.99))
            for rows, own in zip(members, kept, strict=True)
        ]
        # With every member an exemplar the reach is 0: their neighbours' distance stands in.
        for cluster, own in enumerate(kept):
            if reach[cluster] == 0 and len(own) > 1:
                apart = cdist(points[own], points[own])
                np.fill_diagonal(apart, np.inf)
                reach[cluster] = float(np.quantile(apart.min(axis=1), 0.99))
        rows = np.concatenate(kept)
        return cls(points[rows], labels[rows], np.array(reach))

    def probabilities(self, points: np.ndarray) -> np.ndarray:
        """Shape (rows, k)."""
        found = np.zeros((len(points), len(self.reach)))
        most = min(NEIGHBOURS, len(self.points))
        for start in range(0, len(points), 20_000):
            squared = cdist(points[start : start + 20_000], self.points, "sqeuclidean")
            nearest = np.argpartition(squared, most - 1, axis=1)[:, :most]
            weight = 1 / np.maximum(np.take_along_axis(squared, nearest, axis=1), 1e-12)
            rows = np.arange(start, start + len(squared))[:, None]
            np.add.at(found, (rows, self.labels[nearest]), weight)
        return found / found.sum(axis=1, keepdims=True)

    def far_out(self, points: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Who lies beyond the reach of the segment."""
        far = np.zeros(len(points), bool)
        for start in range(0, len(points), 20_000):
            part = slice(start, start + 20_000)
            nearest = np.sqrt(cdist(points[part], self.points, "sqeuclidean").min(axis=1))
            far[part] = nearest > self.reach[labels[part]]
        return far

    def reordered(self, order: Sequence[int]) -> Exemplars:
        """The same with segment ``order[i]`` as the i-th."""
        order = list(order)
        return Exemplars(self.points, np.argsort(order)[self.labels], self.reach[order])

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers."""
        return {
            "kind": "exemplars",
            "points": self.points.tolist(),
            "labels": self.labels.tolist(),
            "reach": self.reach.tolist(),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any], width: int) -> Exemplars:
        """The inverse of ``to_dict``."""
        points = np.array(stored["points"], dtype=float).reshape(-1, width)
        labels = np.array(stored["labels"], dtype=np.int64)
        return cls(points, labels, np.array(stored["reach"], dtype=float))


Assigner = Centroids | Mixture | Exemplars
KINDS = {"centroids": Centroids, "mixture": Mixture, "exemplars": Exemplars}


def read_assigner(stored: Mapping[str, Any], width: int) -> Assigner:
    """The assigner that ``to_dict`` wrote."""
    return KINDS[stored["kind"]].from_dict(stored, width)


def centroids_of(points: np.ndarray, labels: np.ndarray, k: int) -> Centroids:
    """The spherical posterior of clusters 0…k−1, none of them empty."""
    means = np.array([points[labels == cluster].mean(axis=0) for cluster in range(k)])
    shares = np.bincount(labels, minlength=k) / len(labels)
    return Centroids(means, shares, effective_variance(points - means[labels]))


def effective_variance(residual: np.ndarray) -> float:
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


def outlier_limits(
    far: np.ndarray, centroids: np.ndarray, number: np.ndarray, outlier: float
) -> np.ndarray:
    """Distance to its centroid beyond which a member of a segment counts as an outlier."""
    distance = np.sqrt(((far - centroids[number]) ** 2).sum(axis=1))
    return np.array([_robust_limit(distance[number == c], outlier) for c in range(len(centroids))])


def _robust_limit(distance: np.ndarray, outlier: float) -> float:
    if not len(distance):
        return float(np.finfo(float).max)
    center = float(np.median(distance))
    spread = 1.4826 * float(np.median(np.abs(distance - center)))
    # Without spread every rounding difference would be an outlier.
    return center + outlier * spread if spread > 0 else max(2 * center, 1e-6)
