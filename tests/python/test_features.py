"""Selection of features by seed and source, and their transforms."""

import numpy as np
import pandas as pd
import pytest

from python_ext.features import (
    feature_matrix,
    parse_sources,
    select_features,
    transformed,
    with_category_labels,
)


def define(*rows):
    """Rows of (feature, source_table, view, transform, in_propensity)."""
    columns = ["feature", "source_table", "view", "transform", "in_propensity"]
    table = pd.DataFrame(list(rows), columns=columns)
    return table.assign(label_en=table["feature"], label_fr=table["feature"])


DEFINITIONS = define(
    ("recency", "shop.orders", "behaviour", "log", True),
    ("visits", "web.events", "engagement", "log", True),
    ("consent", "crm.consents", "person", "none", "false"),
    ("score", "web.events+email.events", "engagement", "sqrt", False),
)
COLUMNS = ["recency", "visits", "consent", "score"]


def names(**options):
    return [f.name for f in select_features(DEFINITIONS, COLUMNS, **options)]


def test_the_seed_says_who_learns_from_what():
    assert names(purpose="propensity") == ["recency", "visits"]
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


def test_the_variance_of_a_share_does_not_depend_on_the_share():
    """Of n purchases, with any p, the arcsine square root has variance 1 / 4n (Bartlett 1936)."""
    rng = np.random.default_rng(0)
    for p in (0.1, 0.3, 0.5, 0.8):
        angles = transformed(rng.binomial(400, p, 50_000) / 400, "share")
        assert angles.var() == pytest.approx(1 / 1600, rel=0.05)
        assert angles.mean() == pytest.approx(np.arcsin(np.sqrt(p)), abs=1e-3)
    ends = transformed(np.array([0.0, 1.0, -0.2, 1.3, np.nan]), "share")
    np.testing.assert_allclose(ends, [0, np.pi / 2, 0, np.pi / 2, np.nan])


def test_infinite_and_nullable_values_are_unknown():
    features = select_features(define(("a", "shop", "v", "none", True)), ["a"])
    for column in (
        [1.0, np.inf, -np.inf, np.nan],
        pd.array([1, None, None, None], dtype="Int64"),
        [1, None, None, None],
    ):
        matrix = feature_matrix(pd.DataFrame({"a": column}), features)
        assert matrix.dtype == float
        np.testing.assert_array_equal(matrix[:, 0], [1, np.nan, np.nan, np.nan])


def test_taste_gets_the_name_of_its_category():
    features = select_features(define(("taste_1", "shop", "taste", "none", 1)), ["taste_1"])
    behind = pd.DataFrame({"category_rank": [1, 2], "category": ["fashion", "home"]})
    assert with_category_labels(features, behind)[0].label_en == "Share of spending on fashion"
    assert with_category_labels(features, None) == features
