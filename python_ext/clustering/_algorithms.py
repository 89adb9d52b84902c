"""The algorithms behind one interface: points in, one partition for each number of segments out.

scikit-learn and scipy do the work. ``Algorithm.fit`` gives a ``Partition`` per number of segments;
density algorithms find their number themselves and give at most one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist
from sklearn import config_context
from sklearn.cluster import DBSCAN, HDBSCAN, KMeans, MiniBatchKMeans
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors

from python_ext.clustering._assigners import Assigner, Exemplars, Mixture

MINI_BATCH_ROWS = 200_000  # from here on k-means reads the customers in batches
COVARIANCE_TYPES = ("full", "tied", "diag", "spherical")
LEAST_VARIANCE = 0.01  # of the mean variance of a coordinate: no component is thinner
NOISE = -1


@dataclass(frozen=True)
class Partition:
    """Who belongs together.

    Attributes
    ----------
    labels
        Shape (rows,), 0…k−1; −1 for noise.
    assigner
        The algorithm's own rule for other customers; None where the centroids serve.
    bic
        Bayesian information criterion (mixtures); lower is better.
    parameters
        What was set or found, in words.
    """

    labels: np.ndarray
    assigner: Assigner | None = None
    bic: float = np.nan
    parameters: str = ""

    @property
    def k(self) -> int:
        """Number of segments, noise being none."""
        return int(self.labels.max(initial=-1)) + 1


def fit_kmeans(points: np.ndarray, k: int, *, seed: int, n_init: int = 10) -> KMeans:
    """k-means with k-means++ starts; the best of ``n_init`` runs."""
    # Thousands of fits of some milliseconds, of which the check of the settings is a tenth.
    with config_context(skip_parameter_validation=True):
        return KMeans(n_clusters=k, n_init=n_init, random_state=seed).fit(points)


def refine_kmeans(points: np.ndarray, start: np.ndarray, *, seed: int) -> np.ndarray:
    """Labels of k-means started from given centroids; by mini-batches where rows are many.

    Parameters
    ----------
    start
        Shape (k, width): the centroids found on a sample.
    """
    if len(points) > MINI_BATCH_ROWS:
        batches = MiniBatchKMeans(
            len(start), init=start, n_init=1, random_state=seed, batch_size=10_000, max_iter=20
        )
        return batches.fit(points).predict(points)
    return KMeans(len(start), init=start, n_init=1, random_state=seed, tol=1e-6).fit(points).labels_


def kmeans(
    points: np.ndarray, ks: Sequence[int], *, seed: int, n_init: int = 10
) -> dict[int, Partition]:
    """k-means for each number of segments."""
    return {
        k: Partition(
            np.zeros(len(points), int)
            if k == 1
            else fit_kmeans(points, k, seed=seed, n_init=n_init).labels_.astype(int)
        )
        for k in ks
    }


def hierarchical(points: np.ndarray, ks: Sequence[int], *, method: str) -> dict[int, Partition]:
    """Cuts of one tree: ``ward`` (Euclidean) or ``average`` (Manhattan distance)."""
    if len(points) < 2:
        return {k: Partition(np.zeros(len(points), int)) for k in ks if k == 1}
    tree = linkage(points, "ward") if method == "ward" else linkage(_manhattan(points), "average")
    cuts = {}
    for k in ks:
        labels = fcluster(tree, k, "maxclust") - 1
        if labels.max() + 1 == k:
            cuts[k] = Partition(labels.astype(int))
    return cuts


def _manhattan(points: np.ndarray) -> np.ndarray:
    return pdist(points, "cityblock")


def mixture(
    points: np.ndarray,
    labels: np.ndarray,
    k: int,
    *,
    covariance_type: str,
    max_iter: int = 60,
) -> Partition:
    """Gaussian mixture by expectation-maximisation, started from a partition.

    The smallest variance allowed in a component is ``LEAST_VARIANCE`` of the mean variance of a
    coordinate: where a share is exactly 0 for many customers, a component without thickness would
    otherwise win any comparison.

    Parameters
    ----------
    labels
        Partition of the points into k, the start.
    covariance_type
        full, tied, diag or spherical.
    """
    floor = LEAST_VARIANCE * max(float(points.var(axis=0).mean()), 1e-12)
    weights, means, precisions = _start(points, labels, k, covariance_type, floor)
    fitted = GaussianMixture(
        k,
        covariance_type=covariance_type,
        weights_init=weights,
        means_init=means,
        precisions_init=precisions,
        reg_covar=floor,
        max_iter=max_iter,
        tol=1e-3,
        random_state=0,
    )
    found = fitted.fit_predict(points)
    return Partition(
        found.astype(int),
        Mixture.of(fitted),
        float(fitted.bic(points)),
        f"{covariance_type} covariances",
    )


def _start(
    points: np.ndarray, labels: np.ndarray, k: int, covariance_type: str, floor: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, means and precisions of a partition, in scikit-learn's shapes."""
    members = [points[labels == cluster] for cluster in range(k)]
    weights = np.array([max(len(rows), 1) for rows in members], dtype=float)
    means = np.array([r.mean(axis=0) if len(r) else points.mean(axis=0) for r in members])
    ridge = floor * np.eye(points.shape[1])
    scatter = [
        (rows - mean).T @ (rows - mean) / max(len(rows), 1) + ridge
        for rows, mean in zip(members, means, strict=True)
    ]
    pooled = np.tensordot(weights / weights.sum(), scatter, axes=1)
    if covariance_type == "full":
        precisions = np.linalg.inv(scatter)
    elif covariance_type == "tied":
        precisions = np.linalg.inv(pooled)
    elif covariance_type == "diag":
        precisions = 1 / np.diagonal(scatter, axis1=1, axis2=2)
    else:
        precisions = 1 / np.diagonal(scatter, axis1=1, axis2=2).mean(axis=1)
    return weights / weights.sum(), means, precisions


def least_neighbours(width: int) -> int:
    """Customers within reach that make a dense place: twice the dimensions, from 5 to 20.

    Sander et al. (1998) for the rule; many coordinates repeat each other, hence the bounds.
    """
    return int(np.clip(2 * width, 5, 20))


def knee_of_distances(points: np.ndarray, neighbours: int) -> float:
    """Distance at the knee of the sorted distances to the ``neighbours``-th neighbour.

    The knee is where the rising curve lies farthest below its chord, both axes scaled to 0–1
    (Satopää et al. 2011); the last hundredth of the customers, outliers, is left out.
    """
    search = NearestNeighbors(n_neighbors=min(neighbours, len(points) - 1)).fit(points)
    curve = np.sort(search.kneighbors()[0][:, -1])
    curve = curve[: max(2, int(0.99 * len(curve)))]
    rise = curve[-1] - curve[0]
    if rise <= 0:
        return float(curve[-1])
    below = np.linspace(0, 1, len(curve)) - (curve - curve[0]) / rise
    return float(curve[below.argmax()])


def dbscan(points: np.ndarray, *, least: int = 0) -> Partition:
    """DBSCAN with the reach at the knee of the k-distance curve.

    Groups of fewer than ``least`` customers are noise.
    """
    neighbours = least_neighbours(points.shape[1])
    reach = knee_of_distances(points, neighbours)
    labels = DBSCAN(eps=max(reach, 1e-12), min_samples=neighbours).fit(points).labels_
    return _dense(points, labels, least, f"reach {reach:.3g}, {neighbours} neighbours")


def hdbscan(points: np.ndarray, *, least: int) -> Partition:
    """HDBSCAN, whose every density is tried, with groups of at least ``least`` customers."""
    neighbours = least_neighbours(points.shape[1])
    size = max(least, neighbours, 2)
    found = HDBSCAN(
        min_cluster_size=size,
        min_samples=min(neighbours, len(points)),
        algorithm="kd_tree",
        copy=True,
    ).fit(points)
    said = f"groups from {size} customers, {neighbours} neighbours"
    return _dense(points, found.labels_, 0, said)


def _dense(points: np.ndarray, labels: np.ndarray, least: int, said: str) -> Partition:
    sizes = np.bincount(labels[labels >= 0]) if (labels >= 0).any() else np.zeros(0, int)
    kept = np.flatnonzero(sizes >= max(least, 1))
    number = np.full(len(sizes) + 1, NOISE)
    number[kept] = np.arange(len(kept))
    labels = number[labels]  # the last entry, −1, is noise
    exemplars = Exemplars.draw(points, labels, len(kept)) if len(kept) else None
    return Partition(labels.astype(int), exemplars, parameters=said)


@dataclass(frozen=True)
class Algorithm:
    """One way to find segments.

    Attributes
    ----------
    name
        As in the candidates.
    fit
        (points, ks, seed, n_init) → partition per number of segments. Density algorithms find
        the number themselves.
    on_distinct
        Whether resamples are fitted without repeated rows: in a tree or a neighbourhood a row
        drawn twice would be a dense place.
    """

    name: str
    fit: Callable[..., Mapping[int, Partition]]
    on_distinct: bool = False


def _one(partition: Partition) -> dict[int, Partition]:
    return {partition.k: partition} if partition.k else {}


def tree_of(method: str) -> Algorithm:
    """Ward or average linkage."""
    return Algorithm(
        method,
        lambda points, ks, seed, n_init=1: hierarchical(points, ks, method=method),
        on_distinct=True,
    )


def mixture_of(covariance_type: str) -> Algorithm:
    """Gaussian mixture of a covariance type, started from k-means."""

    def fit(
        points: np.ndarray, ks: Sequence[int], seed: int, n_init: int = 1
    ) -> dict[int, Partition]:
        starts = kmeans(points, ks, seed=seed, n_init=n_init)
        return {
            k: mixture(points, starts[k].labels, k, covariance_type=covariance_type) for k in ks
        }

    return Algorithm(f"gmm_{covariance_type}", fit)


def density_of(name: str, *, least_share: float) -> Algorithm:
    """DBSCAN or HDBSCAN whose groups hold at least a share of the customers."""
    run = dbscan if name == "dbscan" else hdbscan
    return Algorithm(
        name,
        lambda points, ks, seed, n_init=1: _one(
            run(points, least=int(np.ceil(least_share * len(points))))
        ),
        on_distinct=True,
    )


KMEANS = Algorithm(
    "kmeans", lambda points, ks, seed, n_init=10: kmeans(points, ks, seed=seed, n_init=n_init)
)
