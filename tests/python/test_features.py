"""Selection of features by seed and source, and preparation for distances."""

import json

import numpy as np
import pandas as pd
import pytest

from python_ext.features import (
    Preparation,
    feature_matrix,
    parse_sources,
    select_features,
    transformed,
    with_category_labels,
)


def define(*rows):
    """Rows of (feature, source_table, view, transform, in_clustering, in_propensity)."""
    columns = ["feature", "source_table", "view", "transform", "in_clustering", "in_propensity"]
    table = pd.DataFrame(list(rows), columns=columns)
    return table.assign(label_en=table["feature"], label_fr=table["feature"])


DEFINITIONS = define(
    ("recency", "shop.orders", "behaviour", "log", False, True),
    ("visits", "web.events", "engagement", "log", True, True),
    ("consent", "crm.consents", "person", "none", "true", "false"),
    ("score", "web.events+email.events", "engagement", "sqrt", True, False),
)
COLUMNS = ["recency", "visits", "consent", "score"]


def names(**options):
    return [f.name for f in select_features(DEFINITIONS, COLUMNS, **options)]


def test_the_seed_says_who_learns_from_what():
    assert names(purpose="propensity") == ["recency", "visits"]
    assert names(purpose="clustering") == ["consent", "score", "visits"]
    assert names() == ["consent", "recency", "score", "visits"]


@pytest.mark.parametrize(
    ("sources", "gone"),
    [
        ({"web": False}, {"visits"}),
        ('{"web": false, "crm.consents": "false"}', {"visits", "consent"}),
        ({"crm": False}, {"consent"}),
        ({"web.events": False, "email": False}, {"visits", "score"}),
        ({"web": True, "crm": True}, set()),
        ("", set()),
        (None, set()),
    ],
)
def test_a_source_that_is_off_takes_its_features_along(sources, gone):
    assert set(COLUMNS) - set(names(sources=sources)) == gone


def test_faulty_seeds_are_named():
    with pytest.raises(ValueError, match="repeats the feature visits"):
        select_features(pd.concat([DEFINITIONS, DEFINITIONS.iloc[[1]]]), COLUMNS)
    with pytest.raises(ValueError, match="does not have"):
        select_features(DEFINITIONS, ["recency"])
    with pytest.raises(ValueError, match="transform 'cube'"):
        select_features(DEFINITIONS.assign(transform="cube"), COLUMNS)
    with pytest.raises(ValueError, match="neither true nor false"):
        parse_sources({"web": "maybe"})
    with pytest.raises(ValueError, match="purpose"):
        names(purpose="guessing")


def test_order_of_the_seed_changes_nothing():
    assert select_features(DEFINITIONS, COLUMNS) == select_features(DEFINITIONS[::-1], COLUMNS)


def test_transforms_keep_the_sign():
    values = np.array([-3.0, 0.0, 3.0])
    np.testing.assert_allclose(transformed(values, "log"), [-np.log(4), 0, np.log(4)])
    np.testing.assert_allclose(transformed(values, "sqrt"), [-np.sqrt(3), 0, np.sqrt(3)])
    np.testing.assert_array_equal(transformed(values, "none"), values)


def test_infinite_and_nullable_values_are_unknown():
    features = select_features(define(("a", "shop", "v", "none", True, True)), ["a"])
    for column in (
        [1.0, np.inf, -np.inf, np.nan],
        pd.array([1, None, None, None], dtype="Int64"),
        [1, None, None, None],
    ):
        matrix = feature_matrix(pd.DataFrame({"a": column}), features)
        assert matrix.dtype == float
        np.testing.assert_array_equal(matrix[:, 0], [1, np.nan, np.nan, np.nan])


def test_taste_gets_the_name_of_its_category():
    features = select_features(define(("taste_1", "shop", "taste", "none", 1, 1)), ["taste_1"])
    behind = pd.DataFrame({"category_rank": [1, 2], "category": ["fashion", "home"]})
    assert with_category_labels(features, behind)[0].label_en == "Share of spending on fashion"
    assert with_category_labels(features, None) == features


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


def prepared(frame, **options):
    rows = [
        (column, "shop", "one" if column in "ab" else "two", "none", True, True)
        for column in frame.columns
    ]
    features = select_features(define(*rows), frame.columns)
    return Preparation.fit(frame, features, **options)


def test_preparation_by_hand(frame):
    preparation = prepared(frame, balance_views=False)
    kept = [feature.name for feature in preparation.features]
    assert kept == ["a", "b", "c", "twin"]
    assert preparation.dropped == {
        "constant": "hardly a value differs",
        "rare": "hardly a value differs",
        "unknown": "no value is known",
    }
    points = preparation.transform(frame)
    known = frame["a"].dropna()
    clipped = known.clip(*known.quantile([0.01, 0.99]))
    np.testing.assert_allclose(points[100:, 0], (clipped - clipped.mean()) / clipped.std(ddof=0))
    median = (known.median() - clipped.mean()) / clipped.std(ddof=0)
    np.testing.assert_allclose(points[:100, 0], median)


def test_what_says_the_same_twice_weighs_once(frame):
    points = prepared(frame).transform(frame)
    alone = prepared(frame.drop(columns="twin")).transform(frame)
    # Two equal columns have first eigenvalue 2, so together they are as far apart as one.
    twice = np.square(points[:, 2:4]).sum(axis=1)
    np.testing.assert_allclose(twice, np.square(alone[:, 2]), rtol=1e-9)


def test_extreme_values_are_clipped_unless_asked_for(frame):
    preparation = prepared(frame)
    wild = frame.assign(b=1e9)
    limit = np.abs(preparation.transform(frame)[:, 1]).max()
    assert np.abs(preparation.transform(wild)[:, 1]).max() <= limit + 1e-9
    assert preparation.transform(wild, clip=False)[:, 1].min() > 1e6


def test_preparation_survives_json(frame):
    preparation = prepared(frame)
    again = Preparation.from_dict(json.loads(json.dumps(preparation.to_dict())))
    assert again == preparation
    np.testing.assert_array_equal(again.transform(frame), preparation.transform(frame))


@pytest.mark.parametrize("rows", [0, 1])
def test_nothing_to_learn_from(frame, rows):
    preparation = prepared(frame.iloc[:rows])
    assert preparation.features == []
    assert preparation.transform(frame).shape == (len(frame), 0)
