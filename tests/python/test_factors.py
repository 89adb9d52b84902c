"""Number of factors against planted truth, rotation and loadings against scikit-learn."""

import json

import numpy as np
import pytest
from sklearn.decomposition import PCA, FactorAnalysis

from python_ext.clustering import _factors
from python_ext.clustering._factors import FactorSolution, fit_factors, varimax


def planted(factors, *, rows=2000, each=4, noise=0.6, seed=0):
    """Rows in which each factor stands behind ``each`` features, and the factors themselves."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(rows, factors))
    features = np.repeat(scores, each, axis=1) + noise * rng.normal(size=(rows, factors * each))
    return (features - features.mean(axis=0)) / features.std(axis=0), scores


def correlation(points):
    return np.corrcoef(points, rowvar=False)


@pytest.mark.parametrize("method", ["pca", "factor"])
@pytest.mark.parametrize("factors", [1, 2, 3, 5])
def test_planted_factors_are_found_and_rotated_to_the_features_they_made(factors, method):
    points, scores = planted(factors)
    solution = fit_factors(correlation(points), len(points), method=method)
    assert solution.count == solution.kaiser == solution.parallel == factors
    # Each feature loads on the factor that made it, and on no other.
    owner = np.repeat(np.arange(factors), 4)
    strongest = solution.loadings.argmax(axis=1)
    assert all(len(set(strongest[owner == factor])) == 1 for factor in range(factors))
    loadings = np.sort(np.abs(solution.loadings), axis=1)
    assert loadings[:, -1].min() > 0.75
    assert factors == 1 or loadings[:, -2].max() < 0.1
    found = points @ solution.scores
    agreement = np.corrcoef(found.T, scores.T)[:factors, factors:]
    np.testing.assert_allclose(np.sort(agreement.max(axis=0)), 1, atol=0.08)


def test_noise_has_a_factor_as_seldom_as_the_percentile_says():
    rng = np.random.default_rng(0)
    solutions = [
        fit_factors(correlation(rng.normal(size=(500, 12))), 500, seed=seed) for seed in range(200)
    ]
    assert np.mean([solution.count > 0 for solution in solutions]) == pytest.approx(0.05, abs=0.04)
    assert min(solution.kaiser for solution in solutions) >= 4  # what Kaiser alone would take
    nothing = next(solution for solution in solutions if not solution.count)
    assert nothing.loadings.shape == nothing.scores.shape == (12, 0)


def test_a_faint_correlation_of_many_rows_is_beyond_chance_but_no_factor_by_kaiser():
    faint = np.full((2, 2), 0.5) + 0.5 * np.eye(2)
    solution = fit_factors(np.kron(np.eye(2), faint), 10_000)
    assert solution.count == 2
    steps = np.eye(3)
    steps[0, 1] = steps[1, 0] = 0.2
    solution = fit_factors(steps, 100_000)
    assert (solution.kaiser, solution.parallel) == (1, 1)


def test_chance_is_that_of_normal_rows_drawn_one_by_one():
    rng = np.random.default_rng(1)
    drawn = [np.linalg.eigvalsh(correlation(rng.normal(size=(120, 6))))[::-1] for _ in range(2000)]
    ours = _factors.eigenvalues_of_chance(120, 6, seed=0)
    np.testing.assert_allclose(ours, np.percentile(drawn, 95, axis=0), atol=0.03)
    # Fewer rows than features: anything can be explained, so nothing counts.
    assert (_factors.eigenvalues_of_chance(6, 6, seed=0) > 1e300).all()


def simplicity(loadings):
    """What varimax maximises."""
    return (loadings**2).var(axis=0).sum()


@pytest.mark.parametrize("factors", [2, 3, 4])
def test_varimax_is_that_of_scikit_learn_or_better(factors):
    points, _ = planted(factors, noise=1.0)
    mixed = points @ np.linalg.qr(np.random.default_rng(2).normal(size=(4 * factors,) * 2))[0]
    mixed = mixed / 2 + points
    plain = FactorAnalysis(factors, svd_method="lapack").fit(mixed).components_.T
    theirs = FactorAnalysis(factors, svd_method="lapack", rotation="varimax").fit(mixed)
    ours, theirs = varimax(plain, normalise=False), theirs.components_.T
    # A rotation moves variance between factors and leaves the communalities.
    np.testing.assert_allclose((ours**2).sum(axis=1), (plain**2).sum(axis=1))
    assert simplicity(plain) < simplicity(theirs) <= simplicity(ours) * (1 + 1e-9)
    lengths = [np.linalg.norm(loadings, axis=0) for loadings in (ours, theirs)]
    overlap = np.abs(ours.T @ theirs) / np.outer(*lengths)
    np.testing.assert_allclose(overlap.max(axis=1), 1, atol=0.03)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("normalise", [True, False])
def test_no_angle_is_simpler_than_varimax(seed, normalise):
    loadings = np.random.default_rng(seed).uniform(-1, 1, size=(9, 2)) / np.sqrt(2)
    length = np.linalg.norm(loadings, axis=1, keepdims=True) if normalise else 1.0
    angles = np.linspace(0, np.pi / 2, 2001)
    turns = np.moveaxis(
        np.array([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]]), 2, 0
    )
    best = max(simplicity(loadings / length @ turn) for turn in turns)
    found = simplicity(varimax(loadings, normalise=normalise) / length)
    assert best <= found * (1 + 1e-12)
    assert found == pytest.approx(best, rel=1e-4)


HARMAN = """
    1
    .846 1
    .805 .881 1
    .859 .826 .801 1
    .473 .376 .380 .436 1
    .398 .326 .319 .329 .762 1
    .301 .277 .237 .327 .730 .583 1
    .382 .415 .345 .365 .629 .577 .539 1
"""


@pytest.fixture
def body_measures():
    """Correlations of eight body measures of 305 girls (Harman 1976), ``Harman23.cor`` in R."""
    lower = np.zeros((8, 8))
    for i, line in enumerate(HARMAN.split("\n")[1:-1]):
        lower[i, : i + 1] = [float(value) for value in line.split()]
    return lower + np.tril(lower, -1).T


def test_components_of_body_measures_are_the_published_ones(body_measures):
    solution = fit_factors(body_measures, 305)
    assert solution.kaiser == solution.parallel == solution.count == 2
    # R's psych::principal, two components, varimax: Kabacoff, R in Action (2011), chapter 14.
    communalities = [0.88, 0.90, 0.87, 0.86, 0.85, 0.74, 0.72, 0.62]
    np.testing.assert_allclose(solution.communalities, communalities, atol=0.006)
    weights = [
        [0.28, 0.30, 0.30, 0.28, -0.06, -0.08, -0.10, -0.04],
        [-0.05, -0.08, -0.09, -0.06, 0.33, 0.32, 0.34, 0.27],
    ]
    # R stops its rotation early, at a relative gain of 1e-5.
    np.testing.assert_allclose(solution.scores.T, weights, atol=0.01)


def test_factors_of_body_measures_are_the_published_ones(body_measures):
    solution = fit_factors(body_measures, 305, method="factor")
    # Uniquenesses as R's factanal prints them.
    uniquenesses = [0.170, 0.107, 0.166, 0.199, 0.089, 0.364, 0.416, 0.537]
    np.testing.assert_allclose(1 - solution.communalities, uniquenesses, atol=0.001)


def test_components_are_those_of_scikit_learn():
    points, _ = planted(3, noise=1.0)
    solution = fit_factors(correlation(points), len(points))
    theirs = PCA(3).fit(points)
    np.testing.assert_allclose(
        solution.eigenvalues[:3], theirs.explained_variance_ * (1 - 1 / len(points)), rtol=1e-9
    )
    # The plane is the same, whatever the rotation in it; scores are uncorrelated, of variance 1.
    scores = points @ solution.scores
    np.testing.assert_allclose(correlation(scores), np.eye(3), atol=1e-9)
    np.testing.assert_allclose(scores.std(axis=0), 1)
    rebuilt = np.linalg.lstsq(scores, theirs.transform(points), rcond=None)[1]
    np.testing.assert_allclose(rebuilt, 0, atol=1e-9)
    # A loading is the correlation of a feature with a factor.
    joint = np.corrcoef(points.T, scores.T)[:12, 12:]
    np.testing.assert_allclose(joint, solution.loadings, atol=1e-9)


def test_factors_are_those_of_scikit_learn_on_the_rows():
    points, _ = planted(2, noise=0.9)
    solution = fit_factors(correlation(points), len(points), method="factor")
    theirs = FactorAnalysis(2, svd_method="lapack", tol=1e-10, max_iter=10_000).fit(points)
    np.testing.assert_allclose(
        solution.communalities, (theirs.components_**2).sum(axis=0), atol=1e-4
    )
    found = points @ solution.scores
    rebuilt = np.linalg.lstsq(theirs.transform(points), found, rcond=None)[0]
    np.testing.assert_allclose(theirs.transform(points) @ rebuilt, found, atol=1e-3)


@pytest.mark.parametrize("method", ["pca", "factor"])
def test_features_that_say_the_same_do_no_harm(method):
    points, _ = planted(2)
    twice = np.column_stack([points, points[:, :2]])
    solution = fit_factors(correlation(twice), len(twice), method=method)
    assert solution.count == 2
    assert np.isfinite(solution.scores).all()
    assert solution.communalities.max() <= 1 + 1e-6


def test_signs_and_order_do_not_depend_on_those_of_the_features():
    points, _ = planted(3, noise=0.8)
    matrix = correlation(points)
    solution = fit_factors(matrix, len(points))
    order = np.random.default_rng(0).permutation(12)
    again = fit_factors(matrix[np.ix_(order, order)], len(points))
    np.testing.assert_allclose(again.loadings, solution.loadings[order], atol=1e-5)
    strength = (solution.loadings**2).sum(axis=0)
    assert (np.diff(strength) <= 1e-9).all()
    assert (solution.loadings.max(axis=0) >= -solution.loadings.min(axis=0)).all()


@pytest.mark.parametrize("factors", [0, 3])
def test_a_solution_survives_json(factors):
    points, _ = planted(factors or 1, noise=1.0 if factors else 1e9)
    solution = fit_factors(correlation(points), len(points))
    assert solution.count == factors
    again = FactorSolution.from_dict(json.loads(json.dumps(solution.to_dict(), allow_nan=False)))
    for name in ("loadings", "scores", "eigenvalues", "chance"):
        np.testing.assert_array_equal(getattr(again, name), getattr(solution, name))


def test_no_feature_has_no_factor():
    solution = fit_factors(np.empty((0, 0)), 100)
    assert (solution.count, solution.kaiser, solution.parallel) == (0, 0, 0)
