"""Figures that judge a clustering; each takes coordinates and labels, nothing else."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import pdist, squareform
from sklearn.cluster import KMeans
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score
from threadpoolctl import threadpool_limits


def fit_kmeans(points: np.ndarray, k: int, *, seed: int, n_init: int = 10) -> KMeans:
    """k-means with k-means++ starts; the best of ``n_init`` runs."""
    return KMeans(n_clusters=k, n_init=n_init, random_state=seed).fit(points)


def draw_rows(rows: int, most: int, *, seed: int) -> np.ndarray:
    """Sorted positions of at most ``most`` of ``rows`` rows, drawn without replacement."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def separation(
    points: np.ndarray, labels: np.ndarray, *, sample: np.ndarray, distances: np.ndarray
) -> dict[str, float]:
    """Silhouette (on the sample), Calinski-Harabasz and Davies-Bouldin (on all points).

    ``distances`` are those between the points of the sample, shape (sample, sample): computed
    once, they serve every k. NaN for one cluster, where none of the three is defined.
    """
    figures = dict.fromkeys(("silhouette", "calinski_harabasz", "davies_bouldin"), np.nan)
    if 2 <= len(np.unique(labels)) < len(points):
        figures["calinski_harabasz"] = float(calinski_harabasz_score(points, labels))
        figures["davies_bouldin"] = float(davies_bouldin_score(points, labels))
    if 2 <= len(np.unique(labels[sample])) < len(sample):
        figures["silhouette"] = float(
            silhouette_score(distances, labels[sample], metric="precomputed")
        )
    return figures


def distances_between(points: np.ndarray) -> np.ndarray:
    """Euclidean distances, shape (rows, rows)."""
    return squareform(pdist(points)) if points.shape[1] else np.zeros((len(points),) * 2)


def gap_statistic(
    points: np.ndarray, ks: list[int], *, references: int = 8, seed: int = 0, n_init: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """Gap statistic against uniform points in the box of the principal axes.

    Tibshirani, Walther and Hastie (2001), variant (b): Gap(k) = mean_b log W*_kb − log W_k and
    s_k = sd_b(log W*_kb) · sqrt(1 + 1/B), with W_k the within-cluster sum of squares.

    Parameters
    ----------
    points
        Shape (rows, dimensions).
    ks
        Numbers of clusters.
    references
        Number B of reference sets.

    Returns
    -------
    tuple of numpy.ndarray
        Gap and its standard error, one value per entry of ``ks``.
    """
    figures = compare_with_reference(
        points, ks, silhouette_rows=0, references=references, seed=seed, n_init=n_init
    )
    return figures["gap"], figures["gap_se"]


def compare_with_reference(
    points: np.ndarray,
    ks: list[int],
    *,
    silhouette_rows: int,
    references: int = 8,
    seed: int = 0,
    n_init: int = 2,
) -> dict[str, np.ndarray]:
    """Gap statistic, and the same comparison for three other indices.

    Silhouette, Calinski-Harabasz and Davies-Bouldin have a trend in k on any data. Their *excess*
    is the value on the points minus the mean over the same uniform reference sets that the gap
    statistic draws (Calinski-Harabasz as a logarithm, Davies-Bouldin with its sign turned), so
    that more is better and structureless data lies near zero.

    Parameters
    ----------
    points, ks, references
        As in ``gap_statistic``.
    silhouette_rows
        Rows the silhouette is computed on; 0 leaves the three excesses out.

    Returns
    -------
    dict of str to numpy.ndarray
        gap, gap_se, silhouette_excess, calinski_harabasz_excess, davies_bouldin_excess; one
        value per entry of ``ks``, NaN for the excess of one cluster.
    """
    names = ["gap", "silhouette_excess", "calinski_harabasz_excess", "davies_bouldin_excess"]
    if not points.size:
        return {name: np.full(len(ks), np.nan) for name in [*names, "gap_se"]}
    centred = points - points.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2]
    turned = centred @ axes.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    rng = np.random.default_rng(seed)
    part = draw_rows(len(turned), silhouette_rows, seed=seed)

    def judge(rows: np.ndarray) -> np.ndarray:
        figures = []
        distances = distances_between(rows[part])
        for k in ks:
            model = fit_kmeans(rows, k, seed=seed, n_init=n_init)
            values = [-np.log(max(model.inertia_, np.finfo(float).tiny)), np.nan, np.nan, np.nan]
            if silhouette_rows:
                found = separation(rows, model.labels_, sample=part, distances=distances)
                values[1] = found["silhouette"]
                values[2] = np.log(max(found["calinski_harabasz"], np.finfo(float).tiny))
                values[3] = -found["davies_bouldin"]
            figures.append(values)
        return np.array(figures)

    # k-means does not see rotations, so the references stay in the turned axes.
    with threadpool_limits(1):
        reference = np.array(
            [judge(rng.uniform(low, high, turned.shape)) for _ in range(references)]
        )
        excess = judge(turned) - reference.mean(axis=0)
    figures = dict(zip(names, excess.T, strict=True))
    figures["gap_se"] = reference[:, :, 0].std(axis=0) * np.sqrt(1 + 1 / references)
    return figures


def elbow(inertia: np.ndarray) -> np.ndarray:
    """How far each point of the inertia curve lies under the chord from its first to its last.

    Both axes scaled to 0–1, as in Satopää et al. (2011); the largest value is the knee.
    """
    if len(inertia) < 3 or inertia[0] <= inertia[-1]:
        return np.zeros(len(inertia))
    height = (inertia - inertia[-1]) / (inertia[0] - inertia[-1])
    return 1 - np.linspace(0, 1, len(inertia)) - height


def jaccard_to_best(labels: np.ndarray, other: np.ndarray, k: int) -> np.ndarray:
    """For each of the k clusters of ``labels`` its largest Jaccard index with one of ``other``."""
    joint = np.zeros((k, int(other.max(initial=0)) + 1))
    np.add.at(joint, (labels, other), 1)
    union = joint.sum(axis=1, keepdims=True) + joint.sum(axis=0, keepdims=True) - joint
    return (joint / np.maximum(union, 1)).max(axis=1)


def bootstrap_jaccard(
    points: np.ndarray, labels: np.ndarray, k: int, *, resamples: int = 12, seed: int = 0
) -> np.ndarray:
    """Stability of each cluster: its mean Jaccard index with its likeness in bootstrap fits.

    Hennig (2007): rows are drawn with replacement, clustered again, and compared over the rows
    drawn. Under 0.60 a cluster is unstable, over 0.75 stable.

    Parameters
    ----------
    points, labels
        Coordinates and cluster 0…k−1 of each row.
    k
        Number of clusters.

    Returns
    -------
    numpy.ndarray
        Shape (k,), each between 0 and 1; a cluster that no resample held gets 0.
    """
    rng = np.random.default_rng(seed)
    total, times = np.zeros(k), np.zeros(k)
    for _ in range(resamples):
        drawn = rng.integers(0, len(points), len(points))
        distinct, position = np.unique(drawn, return_index=True)
        again = fit_kmeans(points[drawn], k, seed=int(rng.integers(2**31)), n_init=2).labels_
        present = np.isin(np.arange(k), labels[distinct])
        score = jaccard_to_best(labels[distinct], again[position], k)
        total += np.where(present, score, 0)
        times += present
    return np.divide(total, times, out=np.zeros(k), where=times > 0)
