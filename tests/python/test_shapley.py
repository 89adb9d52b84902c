"""Effects of features: they add up, and equal the Shapley values counted over all coalitions."""

from itertools import combinations
from math import factorial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from python_ext.errors import SegmentationError
from python_ext.propensity import _shapley, _tree_shapley
from python_ext.propensity._artefact import estimator_log_odds
from python_ext.propensity._recalibration import logit
from python_ext.propensity._sampled_shapley import BLOCK_ROWS, NetworkExplainer

# Five features on seven columns: the third feature is three columns (levels, say), the fourth
# stands after it, the fifth is seen by nobody but the fitted model.
SOURCES = np.array([0, 1, 2, 2, 2, 3, 4])
NAMES = ["recency", "orders", "colour", "twin", "visits"]


class Model:
    """What explaining asks of a model, and no more: columns are the features' own."""

    model_id = "a model"

    def __init__(self, estimator, *, scaled=False):
        self.features = [SimpleNamespace(name=name) for name in NAMES]
        self.output_features = SOURCES
        self.typical = [None] * len(NAMES)
        steps = [StandardScaler()] if scaled else [FunctionTransformer()]
        self.pipeline = make_pipeline(*steps, estimator)
        self.reference_row = np.array([0.1, -0.2, 1.0, 0.0, 0.0, 0.3, 0.0])

    def fit(self, values, label):
        self.pipeline.fit(values, label)
        return self

    def prepare(self, frame):
        """A frame of None is the reference customer."""
        if frame.iloc[0].isna().all():
            rows = self.reference_row[None, :]
        else:
            rows = np.vstack(frame["row"])
        return self.pipeline[:-1].transform(rows)

    def prepared_log_odds(self, values):
        return estimator_log_odds(self.pipeline[-1], values)


def make_rows(rows=900, *, seed=0, missing=False):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, 7))
    values[:, 2:5] = np.eye(3)[rng.integers(0, 3, rows)]
    odds = values[:, 0] * values[:, 1] + values[:, 2] - np.abs(values[:, 6]) + values[:, 5]
    label = rng.random(rows) < 1 / (1 + np.exp(-2 * odds))
    if missing:
        values[rng.random(rows) < 0.3, 1] = np.nan
        values[rng.random(rows) < 0.1, 5] = np.nan
    return values, label


ESTIMATORS = {
    "logistic_regression": LogisticRegression(C=0.5),
    "decision_tree": DecisionTreeClassifier(max_leaf_nodes=24, random_state=0),
    "deep_tree": DecisionTreeClassifier(random_state=0),
    "random_forest": RandomForestClassifier(12, max_leaf_nodes=40, random_state=0),
    "gradient_boosting": HistGradientBoostingClassifier(max_iter=25, random_state=0),
    "neural_network": MLPClassifier((8, 4), max_iter=60, random_state=0, tol=0),
}
TREES = ("decision_tree", "deep_tree", "random_forest", "gradient_boosting")


def fitted(name, *, missing=False):
    values, label = make_rows(missing=missing)
    return Model(ESTIMATORS[name], scaled=name == "neural_network").fit(values, label)


def frame_of(values):
    return pd.DataFrame({"row": list(values)})


def output(model, encoded):
    """The scale on which the game is played: probability for the forest, else log-odds."""
    estimator = model.pipeline[-1]
    if isinstance(estimator, LogisticRegression | HistGradientBoostingClassifier):
        return estimator.decision_function(encoded)
    share = estimator.predict_proba(encoded)[:, 1]
    return share if isinstance(estimator, RandomForestClassifier) else logit(share)


def by_enumeration(model, encoded, reference):
    """Shapley values over all coalitions of the five features, as they are defined."""
    players = range(len(NAMES))
    worth = {}
    for size in range(len(NAMES) + 1):
        for coalition in combinations(players, size):
            mixed = np.where(np.isin(SOURCES, coalition), encoded, reference)
            worth[frozenset(coalition)] = output(model, mixed)
    found = np.zeros((len(encoded), len(NAMES)))
    count = len(NAMES)
    for player in players:
        for coalition, value in worth.items():
            if player not in coalition:
                size = len(coalition)
                weight = factorial(size) * factorial(count - size - 1) / factorial(count)
                found[:, player] += weight * (worth[coalition | {player}] - value)
    return found


def counted(model, values):
    reference = model.pipeline[:-1].transform(model.reference_row[None, :])
    return by_enumeration(model, model.pipeline[:-1].transform(values), reference)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_effects_add_up_to_the_log_odds(name):
    model = fitted(name)
    values = make_rows(seed=1)[0]
    explainer = _shapley.Explainer(model)
    explanation = _shapley.explain(model, frame_of(values))
    encoded = explainer.encode(frame_of(values))
    share = model.pipeline.predict_proba(values)[:, 1]
    np.testing.assert_allclose(explanation.total, explainer.log_odds(encoded), atol=1e-9)
    np.testing.assert_allclose(explanation.total, logit(share), atol=1e-9)
    assert explanation.base == pytest.approx(
        explainer.log_odds(explainer.encode(_shapley.reference_frame(model)))[0], abs=1e-9
    )


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("name", ["logistic_regression", *TREES])
def test_effects_are_the_shapley_values_counted_over_all_coalitions(name, missing):
    if missing and name == "logistic_regression":
        pytest.skip("it is given no unknown value")
    model = fitted(name, missing=missing)
    values = make_rows(40, seed=2, missing=missing)[0]
    expected = counted(model, values)
    found = _shapley.explain(model, frame_of(values)).effects
    if name == "random_forest":
        # Exact on the probability; one factor per row puts the same shares on the other scale.
        game = _shapley.Explainer(model)._game._trees
        np.testing.assert_allclose(game.effects(values), expected, atol=1e-12)
        factor = found.sum(axis=1) / expected.sum(axis=1)
        np.testing.assert_allclose(found, expected * factor[:, None], atol=1e-9)
        assert (factor > 0).all()
    else:
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_row_and_the_reference_with_equal_probability_have_effects_that_cancel():
    model = fitted("random_forest")
    explainer = _shapley.Explainer(model)
    encoded = explainer.encode(frame_of(model.reference_row[None, :]))
    assert not explainer.explain(encoded).effects.any()


@pytest.mark.parametrize("tests", [0, 1, 3, 14])
def test_how_trees_are_cut_into_tables_changes_nothing(tests, monkeypatch):
    model = fitted("deep_tree")
    values = make_rows(300, seed=3)[0]
    whole = _shapley.explain(model, frame_of(values)).effects
    monkeypatch.setattr(_tree_shapley, "MAX_TESTS", tests)
    np.testing.assert_allclose(_shapley.explain(model, frame_of(values)).effects, whole, atol=1e-12)


def test_a_game_of_pairs_is_exact_for_the_network():
    # Without a hidden bend the game is additive; a pair of permutations is exact for more.
    values, label = make_rows()
    model = Model(MLPClassifier((6,), activation="identity", random_state=0, max_iter=80))
    model.fit(values, label)
    rows = make_rows(20, seed=4)[0]
    found = _shapley.explain(model, frame_of(rows)).effects
    np.testing.assert_allclose(found, counted(model, rows), atol=1e-9)


def test_more_permutations_come_closer_to_the_network_s_shapley_values():
    model = fitted("neural_network")
    rows = make_rows(60, seed=4)[0]
    expected = counted(model, rows)
    encoded = model.pipeline[:-1].transform(rows)
    reference = model.pipeline[:-1].transform(model.reference_row[None, :])[0]
    error = {}
    for pairs in (1, 4, 64):
        game = NetworkExplainer(
            model.pipeline[-1], players=SOURCES, reference=reference, pairs=pairs
        )
        found = game.effects(encoded)
        np.testing.assert_allclose(found.sum(axis=1), game.output(encoded) - game.base, atol=1e-9)
        error[pairs] = float(np.abs(found - expected).mean())
    size = float(np.abs(expected).mean())
    assert error[64] < error[4] < error[1]
    assert error[1] < 0.15 * size and error[64] < 0.02 * size


def test_the_network_s_permutations_are_seeded():
    model = fitted("neural_network")
    encoded = model.pipeline[:-1].transform(make_rows(30, seed=5)[0])
    reference = model.pipeline[:-1].transform(model.reference_row[None, :])[0]
    one, two, three = (
        NetworkExplainer(model.pipeline[-1], players=SOURCES, reference=reference, seed=s)
        for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.effects(encoded), two.effects(encoded))
    assert (one.effects(encoded) != three.effects(encoded)).any()


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_feature_that_never_matters_has_no_effect(name):
    values, label = make_rows()
    values[:, 6] = 0.0  # nothing can be learned from it
    model = Model(ESTIMATORS[name], scaled=name == "neural_network").fit(values, label)
    rows = make_rows(200, seed=6)[0]
    if name in ("logistic_regression", "neural_network"):
        rows[:, 6] = 0.0  # a weight is left by chance, so the value must not differ
    effects = _shapley.explain(model, frame_of(rows)).effects
    assert not effects[:, NAMES.index("visits")].any()
    assert effects[:, NAMES.index("recency")].any()


def test_features_that_do_the_same_get_the_same():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(400, 7))
    values[:, 5] = values[:, 0]
    weights = np.array([0.8, 0.1, 0.0, 0.0, 0.0, 0.8, 0.0])
    label = rng.random(400) < 1 / (1 + np.exp(-values @ weights))
    linear = Model(LogisticRegression()).fit(values, label)
    linear.reference_row = np.zeros(7)
    linear.pipeline[-1].coef_ = weights[None, :]
    effects = _shapley.explain(linear, frame_of(values)).effects
    np.testing.assert_allclose(effects[:, 0], effects[:, 3], atol=1e-12)
    # Two trees that differ only in which of the two features they look at, twice in a row.
    first = _tree(columns=(0, 5))
    game = _tree_shapley.TreeExplainer(
        [first, _tree(columns=(5, 0))], offset=0.0, players=SOURCES, reference=np.zeros(7) - 1
    )
    found = game.effects(values)
    np.testing.assert_allclose(found[:, 0], found[:, 3], atol=1e-12)
    assert found[:, 0].any()


def _tree(*, columns):
    """A tree that pays 3 where both columns are above 0, and 1 where only the first is."""
    return _tree_shapley.Tree(
        column=np.array([columns[0], -2, columns[1], -2, -2]),
        threshold=np.zeros(5),
        missing_left=np.zeros(5, dtype=bool),
        left=np.array([1, -1, 3, -1, -1]),
        right=np.array([2, -1, 4, -1, -1]),
        value=np.array([0.0, 0.0, 0.0, 1.0, 3.0]),
        single=False,
    )


def test_a_tree_by_hand():
    """From (-1, -1) to (1, 1): alone the first gains 1 and the second 0, together 3."""
    game = _tree_shapley.TreeExplainer(
        [_tree(columns=(0, 1))], offset=0.5, players=np.array([0, 1]), reference=-np.ones(2)
    )
    assert game.base == 0.5
    rows = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    np.testing.assert_allclose(
        game.effects(rows), [[2.0, 1.0], [1.0, 0.0], [0.0, 0.0], [0.0, 0.0]], atol=1e-15
    )


@pytest.mark.parametrize("name", ESTIMATORS)
def test_what_stands_beside_a_row_changes_nothing(name):
    model = fitted(name)
    explainer = _shapley.Explainer(model)
    encoded = explainer.encode(frame_of(make_rows(BLOCK_ROWS + 77, seed=7)[0]))
    whole = explainer.explain(encoded).effects
    for start, stop in ((0, 5), (5, 333), (333, len(encoded))):
        part = explainer.explain(encoded[start:stop])
        np.testing.assert_array_equal(part.effects, whole[start:stop])
        np.testing.assert_array_equal(
            explainer.log_odds(encoded[start:stop]), explainer.log_odds(encoded)[start:stop]
        )


def test_the_prevalence_has_a_base_and_no_effects():
    model = SimpleNamespace(pipeline=None, features=[], prevalence=0.2)
    explanation = _shapley.explain(model, frame_of(np.zeros((3, 7))))
    assert explanation.base == pytest.approx(np.log(0.25))
    assert explanation.effects.shape == (3, 0)
    np.testing.assert_allclose(explanation.total, np.log(0.25))


def test_an_estimator_nobody_knows_is_named():
    class Oracle(DecisionTreeClassifier.__mro__[1]):
        """Another kind of tree."""

    model = Model(DecisionTreeClassifier())
    model.fit(*make_rows())
    model.pipeline = make_pipeline(FunctionTransformer(), StandardScaler()).fit(make_rows()[0])
    with pytest.raises(SegmentationError, match="a StandardScaler cannot be explained"):
        _shapley.Explainer(model)


def test_columns_without_a_feature_are_refused():
    model = fitted("logistic_regression")
    model.output_features = SOURCES[:-1]
    with pytest.raises(SegmentationError, match="7 columns, of which 6 are known"):
        _shapley.Explainer(model)


def test_a_split_on_levels_is_refused():
    values, label = make_rows()
    values[:, 0] = np.random.default_rng(0).integers(0, 4, len(values))
    label = label ^ (values[:, 0] == 2)
    model = Model(
        HistGradientBoostingClassifier(max_iter=5, categorical_features=[0], random_state=0)
    ).fit(values, label)
    with pytest.raises(SegmentationError, match="Encode the category"):
        _shapley.Explainer(model)
