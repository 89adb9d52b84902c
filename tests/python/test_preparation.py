"""From raw columns of a view to coordinates, by hand, against scikit-learn and at the edges."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from python_ext.clustering import LOADINGS_SCHEMA, View, ViewFeature, ViewPreparation, list_loadings
from python_ext.frames import typed_table


def feature(name, group="one", **options):
    options = {"transform": "none", "imputation": "median", **options}
    return ViewFeature(name=name, view=group, label_en=name, label_fr=name, **options)


def view(*features, reduction="none"):
    return View("some", "Some", "Quelques", reduction, tuple(features))


@pytest.fixture
def frame():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.normal(size=(500, 3)), columns=["a", "b", "c"])
    frame["twin"] = frame["c"]
    frame.loc[:99, "a"] = np.nan
    frame["constant"] = 4.2
    frame["unknown"] = np.nan
    frame["rare"] = 0.0
    frame.loc[0, "rare"] = 9.0
    return frame


@pytest.fixture
def answers():
    """Three columns that go together, a fifth of each unknown."""
    rng = np.random.default_rng(6)
    table = rng.normal(size=(400, 1)) @ np.array([[1.0, 2.0, -1.0]])
    table += rng.normal(size=(400, 3)) / 5
    table[rng.random(table.shape) < 0.2] = np.nan
    return pd.DataFrame(table, columns=["a", "b", "c"])


def of(*strategies):
    return view(*(feature(n, imputation=s) for n, s in zip("abc", strategies, strict=True)))


def test_a_feature_by_hand(frame):
    preparation = ViewPreparation.fit(frame, view(*(feature(name, name) for name in frame)))
    assert preparation.coordinates == ["a", "b", "c", "twin"]
    assert preparation.dropped == {
        "constant": "hardly a value differs",
        "rare": "hardly a value differs",
        "unknown": "no value is known",
    }
    points = preparation.transform(frame)
    known = frame["a"].dropna()
    clipped = known.clip(*known.quantile([0.01, 0.99]))
    expected = (frame["a"].clip(clipped.min(), clipped.max()) - clipped.mean()).fillna(
        known.median() - clipped.mean()
    )
    # The balance brings a group of one feature to a deviation of one over all rows.
    np.testing.assert_allclose(points[:, 0], expected / expected.std(ddof=0))
    assert (points[:100, 0] == points[0, 0]).all()


@pytest.mark.parametrize(
    ("scaling", "scaler", "factor"),
    [
        ("z", StandardScaler(), 1),
        ("min_max", MinMaxScaler(), 1),
        ("robust", RobustScaler(), 1.3489795),  # in deviations of a normal variable
    ],
)
@pytest.mark.parametrize("transform", ["none", "log"])
def test_scaling_is_that_of_scikit_learn(frame, scaling, scaler, factor, transform):
    made = view(
        feature("b", scaling=scaling, winsor_lower=0, winsor_upper=0, transform=transform),
        feature("c", "other"),
    )
    preparation = ViewPreparation.fit(frame, made)
    values = frame[["b"]].to_numpy()
    if transform == "log":
        values = np.sign(values) * np.log1p(np.abs(values))
    expected = scaler.fit_transform(values)[:, 0] * factor
    # The balance of a group of one brings its deviation back to one.
    expected = expected / expected.std()
    np.testing.assert_allclose(preparation.transform(frame)[:, 0], expected)


def test_each_end_is_clipped_by_its_own_share():
    frame = pd.DataFrame({"a": np.arange(1000.0), "b": np.arange(1000.0)})
    made = view(feature("a", winsor_lower=0.1, winsor_upper=0.25), feature("b"))
    a = ViewPreparation.fit(frame, made).transform(frame)[:, 0]
    assert (a == a.min()).sum() == 100
    assert (a == a.max()).sum() == 250
    assert np.argmax(a > a.min()) == 100


def test_where_most_values_are_equal_the_robust_scale_is_the_deviation():
    values = np.zeros(500)
    values[:100] = np.arange(1, 101)
    frame = pd.DataFrame({"a": values, "b": values})
    made = view(feature("a", "x", scaling="robust"), feature("b", "y", scaling="z"))
    points = ViewPreparation.fit(frame, made).transform(frame)
    assert np.ptp(points[:, 0]) == pytest.approx(np.ptp(points[:, 1]))


def test_what_says_the_same_twice_weighs_once(frame):
    both = view(feature("b"), feature("c", "two"), feature("twin", "two"))
    alone = view(feature("b"), feature("c", "two"))
    points = ViewPreparation.fit(frame, both).transform(frame)
    # Two equal columns have first eigenvalue 2, so together they are as far apart as one.
    expected = ViewPreparation.fit(frame, alone).transform(frame)
    np.testing.assert_allclose(
        np.square(points[:, 1:]).sum(axis=1), np.square(expected[:, 1]), rtol=1e-9
    )
    np.testing.assert_allclose(points[:, 0], expected[:, 0])


def test_a_weight_comes_on_top_of_the_balance(frame):
    made = [feature("b"), feature("c", "two"), feature("twin", "two")]
    plain = ViewPreparation.fit(frame, view(*made)).transform(frame)
    made[1] = replace(made[1], weight=0.5)
    weighed = ViewPreparation.fit(frame, view(*made)).transform(frame)
    np.testing.assert_allclose(weighed, plain * [1, 0.5, 1])


def test_extreme_values_are_clipped_unless_asked_for(frame):
    preparation = ViewPreparation.fit(frame, view(feature("a"), feature("b")))
    wild = frame.assign(b=1e9)
    limit = np.abs(preparation.transform(frame)[:, 1]).max()
    clipped, far = preparation.transform_both(wild)
    assert np.abs(clipped[:, 1]).max() <= limit + 1e-9
    assert far[:, 1].min() > 1e6
    np.testing.assert_array_equal(clipped, preparation.transform(wild))
    np.testing.assert_array_equal(far, preparation.transform(wild, clip=False))


def test_being_unknown_is_a_coordinate_where_it_is_flagged(answers):
    preparation = ViewPreparation.fit(answers, of("median", "flag", "median"))
    assert preparation.coordinates == ["a", "b", "c", "b_is_unknown"]
    known = answers[preparation.known(answers)]
    points = preparation.transform(known)
    unknown = known["b"].isna().to_numpy()
    assert len(np.unique(points[unknown, 3])) == len(np.unique(points[~unknown, 3])) == 1
    assert points[:, 3].mean() == pytest.approx(0, abs=1e-9)


def test_who_said_nothing_is_neither_learned_from_nor_segmented(answers):
    silent = answers.assign(a=np.nan, b=np.inf, c=np.nan)
    both = pd.concat([silent, answers], ignore_index=True)
    preparation = ViewPreparation.fit(both, of("knn", "flag", "mode"))
    answered = answers.notna().any(axis=1).to_numpy()
    assert not answered.all()
    np.testing.assert_array_equal(preparation.known(both), [*[False] * 400, *answered])
    assert preparation == ViewPreparation.fit(answers, of("knn", "flag", "mode"))
    assert preparation.rows == answered.sum()


def test_rows_that_are_only_assigned_change_no_filling(answers):
    preparation = ViewPreparation.fit(answers, of("knn", "mean", "median"))
    before = preparation.transform(answers)
    wild = pd.concat([answers, answers.assign(a=1e9, b=1e9)], ignore_index=True)
    np.testing.assert_array_equal(preparation.transform(wild)[:400], before)


def test_imputed_features_are_counted(answers):
    preparation = ViewPreparation.fit(answers, of("knn", "flag", "mode"))
    np.testing.assert_array_equal(preparation.count_imputed(answers), answers.isna().sum(axis=1))


def planted(rows=800, seed=0):
    """Two factors behind six features, the second known of nine rows in ten."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(rows, 2))
    table = np.repeat(scores, 3, axis=1) + 0.5 * rng.normal(size=(rows, 6))
    frame = pd.DataFrame(table, columns=list("abcdef"))
    return frame, scores


@pytest.mark.parametrize("reduction", ["pca", "factor"])
def test_factors_take_the_place_of_their_features(reduction):
    frame, scores = planted()
    preparation = ViewPreparation.fit(
        frame, view(*(feature(n) for n in frame), reduction=reduction)
    )
    points = preparation.transform(frame)
    assert preparation.coordinates == ["factor_1", "factor_2"]
    assert points.shape == (800, preparation.width) == (800, 2)
    agreement = np.abs(np.corrcoef(points.T, scores.T)[:2, 2:])
    assert (np.sort(agreement, axis=1)[:, 1] > 0.9).all()
    assert (np.sort(agreement, axis=1)[:, 0] < 0.1).all()
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=1e-9)
    loadings = preparation.loadings()
    assert loadings["used_for_clustering"].all()
    assert set(loadings["method"]) == {reduction}
    # A batch is prepared as it is among others.
    np.testing.assert_allclose(preparation.transform(frame[100:110]), points[100:110])


def test_scaling_makes_no_difference_to_factors():
    frame, _ = planted()
    made = [
        view(*(feature(n, scaling=s) for n in frame), reduction="pca")
        for s in ("z", "min_max", "robust")
    ]
    z, min_max, robust = (ViewPreparation.fit(frame, one).transform(frame) for one in made)
    np.testing.assert_allclose(min_max, z, atol=1e-9)
    np.testing.assert_allclose(robust, z, atol=1e-9)


def test_noise_is_not_reduced():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(1000, 5)), columns=list("abcde"))
    preparation = ViewPreparation.fit(frame, view(*map(feature, frame), reduction="factor"))
    assert preparation.reduction == "none"
    assert preparation.width == 5
    assert preparation.loadings().empty


def test_loadings_are_told_without_a_reduction_too():
    frame, _ = planted()
    frame.loc[:79, "f"] = np.nan
    frame.loc[40:119, "g"] = 1.0
    made = view(*(feature(n) for n in "abcde"), feature("f", imputation="flag"), feature("g"))
    preparation = ViewPreparation.fit(frame, made)
    assert preparation.width == 7  # six features and a flag; g says nothing
    loadings = preparation.loadings()
    assert set(loadings["feature"]) == {*"abcdef", "f_is_unknown"}
    assert not loadings["used_for_clustering"].any()
    assert (loadings["customers"] == 800).all()
    assert loadings.loc[loadings["feature"] == "f_is_unknown", "label_en"].eq("f (unknown)").all()
    squared = (loadings["loading"] ** 2).groupby(loadings["feature"]).sum()
    communality = loadings.groupby("feature")["communality"].first()
    np.testing.assert_allclose(squared, communality)
    share = (loadings["loading"] ** 2).groupby(loadings["factor"]).mean()
    np.testing.assert_allclose(share, loadings.groupby("factor")["variance_share"].first())
    # A loading is a correlation of coordinates with scores.
    points = preparation.transform(frame)
    scores = (points - points.mean(axis=0)) / points.std(axis=0) @ preparation.solution.scores
    first = loadings[(loadings["feature"] == "a") & (loadings["factor"] == 1)]["loading"].item()
    assert np.corrcoef(points[:, 0], scores[:, 0])[0, 1] == pytest.approx(first)


def test_loadings_of_all_views_are_one_table():
    frame, _ = planted()
    frame = frame.rename(columns={"a": "taste_1"})
    made = view(*map(feature, frame))
    some = ViewPreparation.fit(frame, made)
    other = ViewPreparation.fit(frame, replace(made, name="other", reduction="factor"))
    nothing = ViewPreparation.fit(frame.iloc[:0], replace(made, name="nothing"))
    categories = pd.DataFrame({"category_rank": [1], "category": ["shoes"]})
    table = list_loadings([other, nothing, some], categories=categories)
    assert typed_table(table, LOADINGS_SCHEMA).num_rows == 2 * 6 * 2
    assert not table.duplicated(list(LOADINGS_SCHEMA.key)).any()
    labels = table.loc[table["feature"] == "taste_1", "label_en"]
    assert set(labels) == {"Share of spending on shoes"}
    assert typed_table(list_loadings([nothing]), LOADINGS_SCHEMA).num_rows == 0


@pytest.mark.parametrize("reduction", ["none", "pca", "factor"])
def test_a_preparation_survives_json(answers, reduction):
    made = replace(of("knn", "flag", "mode"), reduction=reduction)
    preparation = ViewPreparation.fit(answers, made)
    text = json.dumps(preparation.to_dict(), allow_nan=False)
    again = ViewPreparation.from_dict(json.loads(text))
    assert again == preparation
    np.testing.assert_array_equal(again.transform(answers), preparation.transform(answers))
    assert again.loadings().equals(preparation.loadings())
    assert np.isfinite(again.transform(answers)).all()


@pytest.mark.parametrize("rows", [0, 1])
@pytest.mark.parametrize("reduction", ["none", "factor"])
def test_nothing_to_learn_from(frame, rows, reduction):
    made = view(*map(feature, frame), reduction=reduction)
    preparation = ViewPreparation.fit(frame.iloc[:rows], made)
    assert preparation.features == []
    assert preparation.transform(frame).shape == (len(frame), preparation.width) == (500, 0)
    assert not preparation.known(frame).any()
    assert preparation.count_imputed(frame).tolist() == [0] * 500
    assert preparation.loadings().empty
    again = ViewPreparation.from_dict(json.loads(json.dumps(preparation.to_dict())))
    assert again.width == 0


def test_no_rows_have_coordinates_of_no_rows(answers):
    preparation = ViewPreparation.fit(answers, of("knn", "flag", "mode"))
    assert preparation.transform(answers.iloc[:0]).shape == (0, 4)
