"""Figures that judge a clustering; each takes coordinates and labels, nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.spatial.distance import pdist, squareform
from threadpoolctl import threadpool_limits

from python_ext.clustering._algorithms import KMEANS, NOISE, Algorithm, Partition, fit_kmeans

__all__ = ["fit_kmeans"]
NEIGHBOURS = 10  # of a customer, among whom cut links are counted


def draw_rows(rows: int, most: int, *, seed: int) -> np.ndarray:
    """Sorted positions of at most ``most`` of ``rows`` rows, drawn without replacement."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def distances_between(points: np.ndarray) -> np.ndarray:
    """Euclidean distances, shape (rows, rows)."""
    return squareform(pdist(points)) if points.shape[1] else np.zeros((len(points),) * 2)


def silhouettes(distances: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Silhouette of each row: (b − a) / max(a, b), 0 in a cluster of one (Rousseeuw 1987).

    All clusters at once: a product of the distances with the memberships gives every sum needed.
    """
    names, own = np.unique(labels, return_inverse=True)
    member = np.zeros((len(labels), len(names)))
    member[np.arange(len(labels)), own] = 1.0
    sizes = member.sum(axis=0)
    sums = distances @ member
    rows = np.arange(len(labels))
    inside = sums[rows, own] / np.maximum(sizes[own] - 1, 1)
    means = sums / sizes
    means[rows, own] = np.inf
    nearest = means.min(axis=1)
    with np.errstate(invalid="ignore"):
        score = (nearest - inside) / np.maximum(nearest, inside)
    return np.where((sizes[own] > 1) & np.isfinite(score), score, 0.0)


def resamples_of(rows: int, *, number: int = 300, seed: int = 0) -> np.ndarray:
    """How often each row is drawn in each bootstrap resample, shape (number, rows)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(rows, np.full(rows, 1 / rows), size=number).astype(float)


def interval_of_mean(
    values: np.ndarray, counts: np.ndarray, *, confidence: float = 0.95
) -> tuple[float, float]:
    """Percentile bootstrap interval of a mean; ``counts`` of ``resamples_of``."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(counts @ values / len(values), [tail, 1 - tail])
    return float(low), float(high)


def nearest_rows(distances: np.ndarray, *, most: int = NEIGHBOURS) -> np.ndarray:
    """Positions of the nearest other rows, nearest first; shape (rows, at most ``most``)."""
    most = min(most, len(distances) - 1)
    if most < 1:
        return np.empty((len(distances), 0), int)
    apart = distances.copy()
    np.fill_diagonal(apart, np.inf)
    near = np.argpartition(apart, most - 1, axis=1)[:, :most]
    order = np.argsort(np.take_along_axis(apart, near, axis=1), axis=1, kind="stable")
    return np.take_along_axis(near, order, axis=1)


def connectivity(nearest: np.ndarray, labels: np.ndarray) -> float:
    """Share of the links to nearest neighbours that a clustering cuts, 0 to 1; lower is better.

    The connectivity of Handl, Knowles and Kell (2005), the j-th neighbour weighing 1/j, over its
    largest possible value. It asks for no shape: a clustering that follows gaps in the data cuts
    nothing, one that goes through dense places cuts much.
    """
    if not nearest.size:
        return 0.0
    weight = 1 / np.arange(1, nearest.shape[1] + 1)
    cut = labels[nearest] != labels[:, None]
    return float((cut @ weight).mean() / weight.sum())


def separation(
    points: np.ndarray, labels: np.ndarray, *, distances: np.ndarray, nearest: np.ndarray
) -> dict[str, float]:
    """Silhouette, Calinski-Harabasz, Davies-Bouldin and connectivity of one clustering.

    Parameters
    ----------
    distances, nearest
        Of ``distances_between`` and ``nearest_rows``: computed once, they serve every clustering.

    Returns
    -------
    dict
        NaN for one cluster, where none of the first three is defined.
    """
    figures = dict.fromkeys(("silhouette", "calinski_harabasz", "davies_bouldin"), np.nan)
    names, own = np.unique(labels, return_inverse=True)
    if 2 <= len(names) < len(points):
        figures["silhouette"] = float(silhouettes(distances, labels).mean())
        variance_ratio, similarity = dispersion(points, own, len(names))
        figures["calinski_harabasz"], figures["davies_bouldin"] = variance_ratio, similarity
    figures["connectivity"] = connectivity(nearest, labels)
    return figures


def dispersion(points: np.ndarray, labels: np.ndarray, k: int) -> tuple[float, float]:
    """Calinski-Harabasz and Davies-Bouldin index of clusters 0…k−1, none of them empty.

    Calinski and Harabasz (1974): variance between over variance within, each by its degrees of
    freedom. Davies and Bouldin (1979): mean over clusters of the largest (s_i + s_j) / d_ij, with
    s the mean distance to the centre and d the distance of the centres. scikit-learn has both and
    takes ten times as long over the thousands of small tables that are judged here.
    """
    sizes = np.bincount(labels, minlength=k)
    member = np.zeros((k, len(points)))
    member[labels, np.arange(len(points))] = 1.0
    means = member @ points / sizes[:, None]
    squared = ((points - means[labels]) ** 2).sum(axis=1)
    inside = float(squared.sum())
    between = float((sizes * ((means - points.mean(axis=0)) ** 2).sum(axis=1)).sum())
    ratio = 1.0 if inside == 0 else between * (len(points) - k) / (inside * (k - 1))
    spread = np.bincount(labels, np.sqrt(squared), minlength=k) / sizes
    apart = squareform(pdist(means))
    np.fill_diagonal(apart, np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        similarity = np.nan_to_num((spread[:, None] + spread) / apart, nan=0.0, posinf=0.0)
    return float(ratio), float(similarity.max(axis=1).mean())


def within(points: np.ndarray, labels: np.ndarray) -> float:
    """Within-cluster sum of squares."""
    if not points.size:
        return 0.0
    names, own = np.unique(labels, return_inverse=True)
    member = np.zeros((len(names), len(points)))
    member[own, np.arange(len(points))] = 1.0
    means = member @ points / member.sum(axis=1, keepdims=True)
    return float(((points - means[own]) ** 2).sum())


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
    figures = compare_with_reference(points, ks, references=references, seed=seed, n_init=n_init)
    return figures["gap"], figures["gap_se"]


def reference_sets(
    points: np.ndarray, *, number: int, seed: int, turned: bool = True
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The points, and structureless sets beside them: uniform in their box.

    Parameters
    ----------
    turned
        The box of the principal axes, into which the points are turned as well (variant (b) of
        the paper); otherwise that of the coordinates (variant (a)).
    """
    points = points - points.mean(axis=0)
    if turned:
        points = points @ np.linalg.svd(points, full_matrices=False)[2].T
    low, high = points.min(axis=0), points.max(axis=0)
    rng = np.random.default_rng(seed)
    return points, [rng.uniform(low, high, points.shape) for _ in range(number)]


EXCESS = ("gap", "silhouette_excess", "calinski_harabasz_excess", "davies_bouldin_excess")


def compare_with_reference(
    points: np.ndarray,
    ks: Sequence[int],
    *,
    algorithm: Algorithm = KMEANS,
    references: int = 8,
    seed: int = 0,
    n_init: int = 2,
    turned: bool = True,
) -> dict[str, np.ndarray]:
    """Gap statistic, and the same comparison for other indices.

    Silhouette, Calinski-Harabasz and Davies-Bouldin have a trend in k on any data. Their *excess*
    is the value on the points minus the mean over the same uniform reference sets that the gap
    statistic draws (Calinski-Harabasz as a logarithm, Davies-Bouldin with its sign turned), so
    that more is better and structureless data lies near zero. For connectivity the mean over the
    reference sets is given, with which any partition into as many clusters can be compared.

    Parameters
    ----------
    points, ks, references
        As in ``gap_statistic``.
    algorithm
        That clusters points and references alike.
    turned
        As in ``reference_sets``.

    Returns
    -------
    dict of str to numpy.ndarray
        gap, gap_se, an excess for each of the other three, and ``connectivity_reference``; one
        value per entry of ``ks``, NaN where it is not defined.
    """
    if not points.size:
        names = (*EXCESS, "gap_se", "connectivity_reference")
        return {name: np.full(len(ks), np.nan) for name in names}

    def judge(rows: np.ndarray) -> np.ndarray:
        figures = np.full((len(ks), len(EXCESS) + 1), np.nan)
        distances = distances_between(rows)
        nearest = nearest_rows(distances)
        found = algorithm.fit(rows, ks, seed=seed, n_init=n_init)
        for i, k in enumerate(ks):
            if k not in found:
                continue
            labels = found[k].labels
            figures[i, 0] = -np.log(max(within(rows, labels), np.finfo(float).tiny))
            judged = separation(rows, labels, distances=distances, nearest=nearest)
            figures[i, 1] = judged["silhouette"]
            figures[i, 2] = np.log(max(judged["calinski_harabasz"], np.finfo(float).tiny))
            figures[i, 3] = -judged["davies_bouldin"]
            figures[i, 4] = judged["connectivity"]
        return figures

    with threadpool_limits(1):
        # k-means and Ward do not see rotations, so the references stay in the turned axes.
        own, drawn = reference_sets(points, number=references, seed=seed, turned=turned)
        reference = np.array([judge(rows) for rows in drawn])
        excess = judge(own) - reference.mean(axis=0)
    figures = dict(zip(EXCESS, excess.T, strict=False))
    figures["connectivity_reference"] = reference[:, :, 4].mean(axis=0)
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
    """For each of the k clusters of ``labels`` its largest Jaccard index with one of ``other``.

    Noise (−1) is no cluster: of neither side it can match or be matched, but it counts where it
    takes members away.
    """
    joint = np.zeros((k + 1, int(other.max(initial=0)) + 2))
    np.add.at(joint, (labels, other), 1)  # −1 is the last row, the last column
    union = joint.sum(axis=1, keepdims=True) + joint.sum(axis=0, keepdims=True) - joint
    return (joint / np.maximum(union, 1))[:k, :-1].max(axis=1)


def adjusted_rand(one: np.ndarray, two: np.ndarray) -> float:
    """Adjusted Rand index of two divisions of the same rows (Hubert and Arabie 1985).

    What ``sklearn.metrics.adjusted_rand_score`` gives, a twentieth of its time for few rows.

    Parameters
    ----------
    one, two
        Group of each row, whole numbers from −1.
    """
    rows, width = len(one), int(two.max(initial=0)) + 2
    joint = np.bincount((one + 1) * width + two + 1).astype(object)
    table = np.pad(joint, (0, -len(joint) % width)).reshape(-1, width)
    same = int((table**2).sum())
    only_one = int((table.sum(axis=1) ** 2).sum()) - same
    only_two = int((table.sum(axis=0) ** 2).sum()) - same
    if not only_one and not only_two:
        return 1.0
    both, neither = same - rows, rows**2 - only_one - only_two - same
    expected = (both + only_one) * (only_one + neither) + (both + only_two) * (only_two + neither)
    return 2.0 * (both * neither - only_one * only_two) / expected


def bootstrap_stability(
    points: np.ndarray,
    partitions: Mapping[int, Partition | np.ndarray],
    *,
    algorithm: Algorithm = KMEANS,
    resamples: int = 12,
    n_init: int = 2,
    seed: int = 0,
) -> dict[int, np.ndarray]:
    """Stability of each cluster: its mean Jaccard index with its likeness in bootstrap fits.

    Hennig (2007): rows are drawn with replacement, clustered again, and compared over the rows
    drawn. Under 0.60 a cluster is unstable, over 0.75 stable.

    Parameters
    ----------
    points
        Coordinates.
    partitions
        Number of clusters → what is judged: a partition, or labels 0…k−1 (−1 noise).
    algorithm
        That clusters again; fitted once per resample for all numbers of clusters.

    Returns
    -------
    dict
        Number of clusters → shape (k,), each between 0 and 1; a cluster that no resample held
        gets 0, and so does one whose number of clusters a resample did not give.
    """
    rng = np.random.default_rng(seed)
    judged = {k: p.labels if isinstance(p, Partition) else p for k, p in partitions.items()}
    total = {k: np.zeros(k) for k in judged}
    times = {k: np.zeros(k) for k in judged}
    for _ in range(resamples):
        drawn = rng.integers(0, len(points), len(points))
        distinct, position = np.unique(drawn, return_index=True)
        rows = distinct if algorithm.on_distinct else drawn
        found = algorithm.fit(
            points[rows], list(judged), seed=int(rng.integers(2**31)), n_init=n_init
        )
        for k, labels in judged.items():
            again = found.get(k) or next(iter(found.values()), None)
            present = np.isin(np.arange(k), labels[distinct])
            times[k] += present
            if again is None:
                continue
            other = again.labels if algorithm.on_distinct else again.labels[position]
            score = jaccard_to_best(labels[distinct], other, k)
            total[k] += np.where(present, score, 0)
    return {k: np.divide(total[k], times[k], out=np.zeros(k), where=times[k] > 0) for k in judged}


def bootstrap_jaccard(
    points: np.ndarray, labels: np.ndarray, k: int, *, resamples: int = 12, seed: int = 0
) -> np.ndarray:
    """``bootstrap_stability`` of one k-means clustering, shape (k,)."""
    return bootstrap_stability(points, {k: labels}, resamples=resamples, seed=seed)[k]


def share_of_noise(labels: np.ndarray) -> float:
    """Share of the rows that no cluster holds."""
    return float((labels == NOISE).mean()) if len(labels) else 0.0
