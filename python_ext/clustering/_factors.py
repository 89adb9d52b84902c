"""Principal components and factors of correlated features: how many, and what they mean."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import wishart
from sklearn.decomposition import FactorAnalysis
from sklearn.exceptions import ConvergenceWarning

DRAWS = 200  # of structureless data in parallel analysis
PERCENTILE = 95


@dataclass(frozen=True)
class FactorSolution:
    """Rotated loadings with what decided their number.

    Attributes
    ----------
    method
        ``pca`` or ``factor``.
    loadings
        Shape (features, factors): correlation of each feature with each factor, after varimax.
    scores
        Shape (features, factors): standardised features times this are the factor scores.
    eigenvalues
        Of the correlation matrix, largest first.
    chance
        The 95th percentile of each eigenvalue in structureless data of the same size.
    """

    method: str
    loadings: np.ndarray
    scores: np.ndarray
    eigenvalues: np.ndarray
    chance: np.ndarray

    @property
    def count(self) -> int:
        """Number of factors."""
        return self.loadings.shape[1]

    @property
    def kaiser(self) -> int:
        """Eigenvalues over one: factors that say more than a single feature."""
        return int((self.eigenvalues > 1).sum())

    @property
    def parallel(self) -> int:
        """Leading eigenvalues over those of chance (Horn 1965)."""
        return count_above_chance(self.eigenvalues, self.chance)

    @property
    def communalities(self) -> np.ndarray:
        """Share of each feature's variance that the factors explain."""
        return (self.loadings**2).sum(axis=1)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, for JSON."""
        return {
            "method": self.method,
            "loadings": self.loadings.tolist(),
            "scores": self.scores.tolist(),
            "eigenvalues": self.eigenvalues.tolist(),
            "chance": self.chance.tolist(),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> FactorSolution:
        """The inverse of ``to_dict``."""
        eigenvalues = np.array(stored["eigenvalues"], dtype=float)
        shape = (len(eigenvalues), -1 if len(eigenvalues) else 0)
        return cls(
            stored["method"],
            np.array(stored["loadings"], dtype=float).reshape(shape),
            np.array(stored["scores"], dtype=float).reshape(shape),
            eigenvalues,
            np.array(stored["chance"], dtype=float),
        )


def fit_factors(
    correlation: np.ndarray, rows: int, *, method: str = "pca", seed: int = 0
) -> FactorSolution:
    """Components or factors of a correlation matrix, rotated to simple structure.

    Their number is the smaller of Kaiser's (eigenvalue over 1) and that of parallel analysis
    (eigenvalue over the 95th percentile of chance). Kaiser alone takes about a third of the
    features for factors whatever the data; parallel analysis alone calls the slightest
    correlation a factor where rows are many. It may be none.

    Parameters
    ----------
    correlation
        Shape (features, features).
    rows
        Rows it was computed from.
    method
        ``pca``: the components themselves. ``factor``: maximum likelihood, which leaves what a
        feature has of its own out of the factors.
    """
    width = len(correlation)
    values, vectors = np.linalg.eigh(correlation) if width else (np.empty(0), np.empty((0, 0)))
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    chance = eigenvalues_of_chance(rows, width, seed=seed)
    count = min(int((values > 1).sum()), count_above_chance(values, chance))
    if count == 0:
        nothing = np.empty((width, 0))
        return FactorSolution(method, nothing, nothing, values, chance)
    if method == "factor":
        loadings, specific = _maximum_likelihood(correlation, count)
        loadings = varimax(loadings)
        # Thompson's regression scores: the posterior mean, shrunk where a factor is ill measured.
        inner = np.eye(count) + (loadings.T / specific) @ loadings
        scores = np.linalg.solve(inner, loadings.T / specific).T
    else:
        unrotated = vectors[:, :count] * np.sqrt(values[:count])
        loadings = varimax(unrotated)
        # Z V λ^(-1/2) R, with R = unrotated⁺ · rotated: uncorrelated, of variance one.
        scores = unrotated / values[:count] @ (np.linalg.pinv(unrotated) @ loadings)
    strength = (loadings**2).sum(axis=0)
    order = np.argsort(-strength.round(9), kind="stable")
    loadings, scores = loadings[:, order], scores[:, order]
    largest = loadings[np.abs(loadings).argmax(axis=0), np.arange(count)]
    sign = np.where(largest < 0, -1.0, 1.0)
    return FactorSolution(method, loadings * sign, scores * sign, values, chance)


def count_above_chance(eigenvalues: np.ndarray, chance: np.ndarray) -> int:
    """How many leading eigenvalues lie over those of chance; the first that does not ends it."""
    return int(np.cumprod(eigenvalues > chance).sum())


def eigenvalues_of_chance(rows: int, width: int, *, seed: int) -> np.ndarray:
    """The 95th percentile of each eigenvalue of the correlations of independent features.

    Horn's (1965) parallel analysis draws normal data of the same size. The scatter matrix of such
    data is Wishart distributed, so it is drawn itself: the cost does not depend on the rows.
    Infinite, so that there is no factor, where the rows are fewer than the features.
    """
    if width == 0 or rows - 1 < width:
        return np.full(width, np.finfo(float).max)
    drawn = wishart.rvs(
        df=rows - 1, scale=np.eye(width), size=DRAWS, random_state=np.random.default_rng(seed)
    ).reshape(DRAWS, width, width)
    spread = np.sqrt(np.diagonal(drawn, axis1=1, axis2=2))
    correlations = drawn / (spread[:, :, None] * spread[:, None, :])
    return np.percentile(np.linalg.eigvalsh(correlations)[:, ::-1], PERCENTILE, axis=0)


def varimax(loadings: np.ndarray, *, normalise: bool = True, sweeps: int = 100) -> np.ndarray:
    """Orthogonal rotation that maximises the variance of the squared loadings (Kaiser 1958).

    Pairs of factors are turned by Kaiser's angle until none turns any more. The iteration by
    singular values that scikit-learn and R use can come to rest short of the optimum.

    Parameters
    ----------
    loadings
        Shape (features, factors).
    normalise
        Whether every feature counts alike in finding the rotation, whatever its communality.
    """
    rows, count = loadings.shape
    length = np.linalg.norm(loadings, axis=1, keepdims=True) if normalise else np.ones((rows, 1))
    length = np.maximum(length, 1e-12)
    turned = loadings / length
    pairs = [(i, j) for i in range(count) for j in range(i + 1, count)]
    for _ in range(sweeps):
        widest = 0.0
        for i, j in pairs:
            x, y = turned[:, i], turned[:, j]
            u, v = x**2 - y**2, 2 * x * y
            across = 2 * (u @ v) - 2 * u.sum() * v.sum() / rows
            along = u @ u - v @ v - (u.sum() ** 2 - v.sum() ** 2) / rows
            angle = np.arctan2(across, along) / 4
            cosine, sine = np.cos(angle), np.sin(angle)
            turned[:, i], turned[:, j] = x * cosine + y * sine, y * cosine - x * sine
            widest = max(widest, abs(angle))
        if widest < 1e-9:
            break
    return turned * length


def _maximum_likelihood(correlation: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Loadings and specific variances.

    scikit-learn asks for rows and looks at nothing but their covariance; so it gets a small table
    with exactly this one: a square root of the matrix, and its negative, so that the mean is zero.
    """
    values, vectors = np.linalg.eigh(correlation)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))).T * np.sqrt(len(correlation))
    model = FactorAnalysis(count, svd_method="lapack", tol=1e-8, max_iter=5000)
    with warnings.catch_warnings():
        # Where the others all but tell a feature, its specific variance shrinks for ever.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(np.vstack([root, -root]))
    return model.components_.T, np.maximum(model.noise_variance_, 1e-9)
