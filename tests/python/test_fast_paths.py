"""What is computed the short way is what the long way gives."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier

from python_ext.propensity._binned import BinnedBoosting, Bins
from python_ext.propensity._leakage import _class_auc
from python_ext.propensity._network import _slopes, train_network
from python_ext.propensity._selection import _Shuffled


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(4)
    values = rng.normal(size=(400, 6))
    values[rng.random(values.shape) < 0.1] = 0.0
    label = rng.random(400) < 1 / (1 + np.exp(-values[:, 0] - values[:, 1] * values[:, 2]))
    return values, label


def make_network(**options):
    return MLPClassifier((5, 3), alpha=0.7, batch_size=64, learning_rate_init=0.01, **options)


def test_the_slopes_of_a_network_are_those_of_its_penalised_log_loss(rows):
    values, label = rows
    _, model = next(train_network(make_network(), values, label, epochs=1, seed=1))
    arrays = [*model.coefs_, *model.intercepts_]

    def loss() -> float:
        probability = model.predict_proba(values)[:, 1]
        fit = -np.where(label, np.log(probability), np.log1p(-probability)).mean()
        return fit + 0.5 * 0.7 * sum((w**2).sum() for w in model.coefs_) / len(values)

    found = _slopes(model, values, label.astype(float)[:, None])
    for array, slope in zip(arrays, found, strict=True):
        where = (0,) * array.ndim
        kept = array[where]
        array[where] = kept + 1e-6
        above = loss()
        array[where] = kept - 1e-6
        below = loss()
        array[where] = kept
        assert slope[where] == pytest.approx((above - below) / 2e-6, abs=1e-6)


def test_a_trained_network_is_as_good_as_scikit_learns():
    rng = np.random.default_rng(8)
    values = rng.normal(size=(3000, 4))
    odds = 2 * values[:, 0] + 2 * values[:, 1] * values[:, 2]
    label = rng.random(3000) < 1 / (1 + np.exp(-odds))
    ours, theirs = make_network(), make_network(max_iter=30, random_state=1, n_iter_no_change=30)
    list(train_network(ours, values[:2000], label[:2000], epochs=30, seed=1))
    theirs.fit(values[:2000], label[:2000])
    auc = [
        roc_auc_score(label[2000:], model.predict_proba(values[2000:])[:, 1])
        for model in (ours, theirs)
    ]
    # Products of two columns are out of reach of a sum: about 0.75 then.
    assert auc[0] > 0.82
    assert auc[0] > auc[1] - 0.02, auc


def test_epochs_are_steps_of_one_training(rows):
    values, label = rows
    seen = {
        epoch: [w.copy() for w in model.coefs_]
        for epoch, model in train_network(make_network(), values, label, epochs=5, seed=3)
    }
    short = make_network()
    list(train_network(short, values, label, epochs=3, seed=3))
    for ours, theirs in zip(seen[3], short.coefs_, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("levels", [2, 5, 20])
def test_the_auc_by_classes_is_that_by_rows(levels):
    rng = np.random.default_rng(levels)
    rate = rng.random(levels).round(1)  # ties
    unseen, label = rng.integers(0, levels, 300), (rng.random(300) < 0.3).astype(float)
    assert _class_auc(rate, unseen, label) == pytest.approx(roc_auc_score(label, rate[unseen]))


@pytest.mark.parametrize(
    "learner",
    [LogisticRegression(), HistGradientBoostingClassifier(max_iter=15, early_stopping=False)],
)
def test_shuffling_columns_gives_what_predicting_anew_gives(rows, learner):
    values, label = rows
    order = np.random.default_rng(1).permutation(len(values))
    learner.fit(values, label)
    judge = _Shuffled(learner, values.copy(), order)
    np.testing.assert_allclose(judge.odds, learner.decision_function(values), atol=1e-12)
    for columns in ([0], [1, 2]):
        moved = values.copy()
        moved[:, columns] = values[np.ix_(order, columns)]
        expected = learner.decision_function(moved)
        np.testing.assert_allclose(judge.without(np.array(columns)), expected, atol=1e-12)
        assert np.abs(expected - judge.odds).max() > 0.01


def test_shuffling_what_a_learner_does_not_read_says_so(rows):
    values, label = rows
    flat = np.column_stack([values, np.zeros(len(values))])
    learner = HistGradientBoostingClassifier(max_iter=3, early_stopping=False).fit(flat, label)
    order = np.arange(len(flat))[::-1]
    assert _Shuffled(learner, flat, order).without(np.array([6])) is None


@pytest.mark.parametrize("max_features", [1.0, 0.5])
def test_given_bins_grow_the_trees_that_bins_found_anew_grow(max_features):
    rng = np.random.default_rng(6)
    values = rng.normal(size=(900, 5))
    values[:, 3] = values[:, 3].round()  # fewer values than bins
    values[rng.random(values.shape) < 0.1] = np.nan
    label = rng.random(900) < 1 / (1 + np.exp(-np.nan_to_num(values[:, 0] + values[:, 3])))
    settings = dict(max_iter=12, max_bins=16, max_features=max_features, random_state=3)
    bins = Bins.find(values[:600], max_bins=16)
    for columns in (np.arange(5), np.array([0, 3, 4])):
        learned, unseen = values[:600, columns], values[600:, columns]
        long = HistGradientBoostingClassifier(early_stopping=False, **settings)
        short = BinnedBoosting(early_stopping=False, **settings)
        short.fit_binned(learned, label[:600], bins=bins.of(columns))
        expected = long.fit(learned, label[:600]).decision_function(unseen)
        np.testing.assert_array_equal(short.decision_function(unseen), expected)
        assert expected.std() > 0.1
