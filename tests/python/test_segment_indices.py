"""Indices of a clustering against slow formulas, scikit-learn and published properties."""

import numpy as np
import pytest
from sklearn import metrics
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

from python_ext.clustering import _indices


def slow_gap(points, ks, references, seed, n_init):
    """Gap by the formulas of the paper: W_k from all pairwise distances."""

    def log_within(rows, k):
        labels = KMeans(k, n_init=n_init, random_state=seed).fit(rows).labels_
        within = 0.0
        for cluster in range(k):
            members = rows[labels == cluster]
            pairs = sum(((a - b) ** 2).sum() for a in members for b in members)
            within += pairs / (2 * len(members))
        return np.log(within)

    rng = np.random.default_rng(seed)
    centred = points - points.mean(axis=0)
    turned = centred @ np.linalg.svd(centred, full_matrices=False)[2].T
    drawn = [
        rng.uniform(turned.min(axis=0), turned.max(axis=0), turned.shape) for _ in range(references)
    ]
    gap, error = [], []
    for k in ks:
        reference = [log_within(rows, k) for rows in drawn]
        gap.append(sum(reference) / references - log_within(turned, k))
        deviation = np.sqrt(np.mean((np.array(reference) - np.mean(reference)) ** 2))
        error.append(deviation * np.sqrt(1 + 1 / references))
    return gap, error


def test_gap_equals_a_slow_straightforward_implementation():
    points = make_blobs(60, 3, centers=3, random_state=0)[0]
    gap, error = _indices.gap_statistic(points, [1, 2, 3, 4], references=4, seed=9, n_init=3)
    slow, slow_error = slow_gap(points, [1, 2, 3, 4], 4, 9, 3)
    np.testing.assert_allclose(gap, slow, rtol=1e-9)
    np.testing.assert_allclose(error, slow_error, rtol=1e-6)


@pytest.mark.parametrize("spread", [0.5, 3.0])
def test_indices_are_those_of_scikit_learn(spread):
    points, labels = make_blobs(90, 3, centers=4, random_state=2, cluster_std=spread)
    distances = _indices.distances_between(points)
    found = _indices.separation(
        points, labels, distances=distances, nearest=_indices.nearest_rows(distances)
    )
    assert found["silhouette"] == pytest.approx(metrics.silhouette_score(points, labels))
    expected = metrics.calinski_harabasz_score(points, labels)
    assert found["calinski_harabasz"] == pytest.approx(expected)
    assert found["davies_bouldin"] == pytest.approx(metrics.davies_bouldin_score(points, labels))
    means = KMeans(4, init=np.array([points[labels == c].mean(axis=0) for c in range(4)]), n_init=1)
    assert _indices.within(points, labels) >= means.fit(points).inertia_ - 1e-9


def test_silhouette_of_each_row_is_that_of_scikit_learn_with_a_cluster_of_one():
    points = np.random.default_rng(0).normal(size=(40, 2))
    labels = np.r_[0, np.arange(39) % 3 + 1]
    found = _indices.silhouettes(_indices.distances_between(points), labels)
    np.testing.assert_allclose(found, metrics.silhouette_samples(points, labels))


def test_the_interval_of_a_mean_covers_as_often_as_it_says():
    rng = np.random.default_rng(3)
    counts = _indices.resamples_of(80, seed=1)
    intervals = [_indices.interval_of_mean(rng.exponential(size=80), counts) for _ in range(200)]
    assert 0.87 < np.mean([low <= 1 <= high for low, high in intervals]) < 0.98


def test_connectivity_by_the_formula_of_the_paper():
    points = np.random.default_rng(1).normal(size=(30, 2))
    labels = (points[:, 0] > 0).astype(int)
    distances = _indices.distances_between(points)
    cut = possible = 0.0
    for i in range(30):
        order = [j for j in np.argsort(distances[i]) if j != i][:10]
        cut += sum((labels[i] != labels[j]) / place for place, j in enumerate(order, start=1))
        possible += sum(1 / place for place in range(1, 11))
    nearest = _indices.nearest_rows(distances)
    assert _indices.connectivity(nearest, labels) == pytest.approx(cut / possible)
    assert _indices.connectivity(nearest, np.zeros(30, int)) == 0


def test_structureless_data_have_no_excess():
    points = np.random.default_rng(1).uniform(size=(400, 4))
    found = _indices.compare_with_reference(points, [1, 2, 3, 4])
    assert np.isnan(found["silhouette_excess"][0])
    assert np.abs(found["silhouette_excess"][1:]).max() < 0.03
    assert np.abs(found["calinski_harabasz_excess"][1:]).max() < 0.2


def test_jaccard_by_sets():
    rng = np.random.default_rng(0)
    one, two = rng.integers(0, 3, 50), rng.integers(0, 4, 50)
    found = _indices.jaccard_to_best(one, two, 3)
    for cluster in range(3):
        mine = set(np.flatnonzero(one == cluster))
        theirs = [set(np.flatnonzero(two == c)) for c in range(4)]
        assert found[cluster] == pytest.approx(max(len(mine & t) / len(mine | t) for t in theirs))


def test_noise_matches_nothing():
    labels, other = np.array([0, 0, 0, -1, -1, 1]), np.array([-1, -1, -1, 0, 0, 1])
    np.testing.assert_array_equal(_indices.jaccard_to_best(labels, other, 2), [0, 1])
    # Two of three found again, the third is noise the second time.
    other = np.array([0, 0, -1, -1, -1, 1])
    np.testing.assert_allclose(_indices.jaccard_to_best(labels, other, 2), [2 / 3, 1])


def test_bootstrap_tells_stable_from_arbitrary_clusters():
    points, labels = make_blobs(200, 3, centers=3, cluster_std=0.5, random_state=3)
    assert _indices.bootstrap_jaccard(points, labels, 3).min() == 1
    noise = np.random.default_rng(0).normal(size=(200, 8))
    cut = KMeans(5, n_init=3, random_state=0).fit(noise).labels_
    assert _indices.bootstrap_jaccard(noise, cut, 5).max() < 0.6


def test_elbow_is_the_knee():
    inertia = np.array([100.0, 40, 12, 10, 9, 8])
    assert np.argmax(_indices.elbow(inertia)) == 2
    np.testing.assert_array_equal(_indices.elbow(np.array([3.0, 2.0])), 0)
    np.testing.assert_array_equal(_indices.elbow(np.zeros(5)), 0)


@pytest.mark.parametrize(("rows", "groups"), [(1, 1), (9, 2), (500, 4), (500, 40)])
def test_adjusted_rand_is_scikit_learns(rows, groups):
    rng = np.random.default_rng(rows + groups)
    one, two = rng.integers(-1, groups, rows), rng.integers(-1, 3, rows)
    for other in (two, np.where(rng.random(rows) < 0.8, one, two), one + 2, np.zeros(rows, int)):
        assert _indices.adjusted_rand(one, other) == metrics.adjusted_rand_score(one, other)
        assert _indices.adjusted_rand(other, one) == metrics.adjusted_rand_score(other, one)
