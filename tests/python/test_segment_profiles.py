"""Profiles of segments against known truth and independent implementations."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from python_ext import clustering, frames
from python_ext.clustering import _profiles

DEFINITIONS = pd.DataFrame(
    {
        "feature": ["a", "b", "sparse"],
        "source_table": "shop.orders",
        "view": "behaviour",
        "transform": ["none", "log", "none"],
        "in_propensity": False,
        "imputation": "median",
        "label_en": ["A", "B", "Sparse"],
        "label_fr": ["A", "B", "Rare"],
    }
)
VIEW_FEATURES = pd.DataFrame({"view": ["all", "all"], "feature": ["a", "b"]})


@pytest.fixture(scope="module")
def made() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(5)
    n = 400
    segment = rng.integers(1, 4, n)
    sub = np.where(segment == 1, rng.integers(1, 3, n), np.nan)
    frame = pd.DataFrame(
        {
            "customer_key": [f"k{i:04d}" for i in range(n)],
            "a": np.round(rng.normal(segment + 2 * (sub == 2), 1.0), 1),
            "b": np.exp(rng.normal(0.3 * segment, 1.0)),
            "sparse": np.where(rng.random(n) < 0.7, np.nan, rng.random(n)),
        }
    )
    clusters = pd.DataFrame(
        {
            "view": "all",
            "customer_key": frame["customer_key"],
            "segment_id": segment,
            "sub_segment_id": sub,
            "micro_segment_id": np.nan,
        }
    )
    return frame, clusters


@pytest.fixture(scope="module")
def profiles(made) -> pd.DataFrame:
    frame, clusters = made
    shuffled = frame.sample(frac=1, random_state=1)
    found = clustering.profile_segments(clusters, shuffled, DEFINITIONS, VIEW_FEATURES)
    frames.typed_table(found, clustering.PROFILES_SCHEMA)
    return found.set_index(["level", "segment_id", "feature"]).sort_index()


def test_every_figure_is_that_of_pandas_and_scipy(made, profiles):
    frame, clusters = made
    joined = frame.merge(clusters, on="customer_key")
    raw_p = {}
    for feature in ("a", "b", "sparse"):
        values = joined[feature]
        scaled = np.log1p(values) if feature == "b" else values
        groups = [part.dropna() for _, part in scaled.groupby(joined["segment_id"])]
        overall = scaled.dropna()
        between = sum(len(g) * (g.mean() - overall.mean()) ** 2 for g in groups)
        eta = between / ((overall - overall.mean()) ** 2).sum()
        raw_p[feature] = stats.kruskal(*groups).pvalue
        for number, part in joined.groupby("segment_id"):
            row = profiles.loc[("segment", number, feature)]
            mine = scaled[part.index]
            assert row["mean"] == pytest.approx(part[feature].mean())
            assert row["median"] == pytest.approx(part[feature].median())
            assert row["overall_mean"] == pytest.approx(values.mean())
            assert row["index_vs_all"] == pytest.approx(100 * part[feature].mean() / values.mean())
            assert row["z"] == pytest.approx((mine.mean() - overall.mean()) / overall.std(ddof=0))
            assert row["effect_size"] == pytest.approx(eta)
            assert row["customers"] == len(part)
            assert row["customers_known"] == part[feature].notna().sum()
    corrected = _profiles.holm(np.array([raw_p[f] for f in ("a", "b", "sparse")]))
    for feature, p_value in zip(("a", "b", "sparse"), corrected, strict=True):
        assert profiles.loc[("segment", 1, feature), "p_value"] == pytest.approx(p_value)


def test_parts_are_compared_with_their_parent(made, profiles):
    frame, clusters = made
    joined = frame.merge(clusters, on="customer_key")
    parent = joined.loc[joined["segment_id"] == 1]
    one, two = (parent.loc[parent["sub_segment_id"] == number, "a"] for number in (1, 2))
    row = profiles.loc[("sub_segment", 2, "a")]
    assert row["parent_segment_id"] == 1
    assert row["parent_mean"] == pytest.approx(parent["a"].mean())
    expected = (two.mean() - parent["a"].mean()) / parent["a"].std(ddof=0)
    assert row["z_vs_parent"] == pytest.approx(expected)
    assert row["index_vs_all"] == pytest.approx(100 * two.mean() / joined["a"].mean())
    f = stats.f_oneway(one, two).statistic
    eta = row["effect_size"]
    assert f == pytest.approx(eta / ((1 - eta) / (len(parent) - 2)))
    # The parts differ by a alone: that is what sets them apart, from each other and by rank.
    assert row["differentiator_rank"] == 1
    assert profiles.loc[("segment", 1), "z_vs_parent"].isna().all()


def test_circular_is_what_made_the_segments(made, profiles):
    flags = profiles.loc[("segment", 1), "is_circular"]
    assert flags.to_dict() == {"a": True, "b": True, "sparse": False}
    frame, clusters = made
    rfm = clusters.assign(segment_id=clusters["segment_id"] + 900, sub_segment_id=np.nan)
    definitions = DEFINITIONS.assign(feature=["frequency", "b", "sparse"])
    found = clustering.profile_segments(
        rfm, frame.rename(columns={"a": "frequency"}), definitions, VIEW_FEATURES
    )
    assert set(found.loc[found["is_circular"], "feature"]) == {"frequency"}


@pytest.mark.parametrize("ties", [False, True])
def test_kruskal_equals_scipy(ties):
    rng = np.random.default_rng(3)
    values = rng.normal(size=120)
    values = np.round(values) if ties else values
    groups = rng.integers(0, 4, 120)
    order = np.argsort(values, kind="stable")
    found = _profiles.kruskal_p(values[order], groups[order])
    assert found == pytest.approx(stats.kruskal(*(values[groups == g] for g in range(4))).pvalue)


def test_a_constant_or_unknown_feature_says_nothing(made):
    frame, clusters = made
    frame = frame.assign(a=7.0, sparse=np.nan)
    found = clustering.profile_segments(clusters, frame, DEFINITIONS, VIEW_FEATURES)
    plain = found[found["feature"].isin(["a", "sparse"])]
    assert plain[["z", "effect_size", "p_value", "differentiator_rank"]].isna().all().all()
    assert plain.loc[plain["feature"] == "a", "mean"].eq(7).all()


def test_a_sample_moves_medians_and_no_means(made, profiles):
    frame, clusters = made
    found = clustering.profile_segments(
        clusters, frame, DEFINITIONS, VIEW_FEATURES, sample_rows=200
    ).set_index(["level", "segment_id", "feature"])
    found = found.sort_index()
    same = ["mean", "z", "index_vs_all", "effect_size", "customers", "customers_known"]
    pd.testing.assert_frame_equal(found[same], profiles[same])
    drawn = frames.sample(frame, key="customer_key", rows=200).merge(clusters, on="customer_key")
    expected = drawn.groupby("segment_id")["a"].median()
    for number, median in expected.items():
        assert found.loc[("segment", number, "a"), "median"] == pytest.approx(median)


def test_views_may_come_one_at_a_time(made):
    frame, clusters = made
    other = clusters.assign(view="taste").iloc[:150]
    whole = clustering.profile_segments(
        pd.concat([clusters, other]), frame, DEFINITIONS, VIEW_FEATURES
    )
    parts = clustering.profile_segments(
        (part for part in (clusters, other)), frame, DEFINITIONS, VIEW_FEATURES
    )
    schema = clustering.PROFILES_SCHEMA
    assert frames.typed_table(whole, schema).equals(frames.typed_table(parts, schema))
    assert whole.loc[whole["view"] == "taste", "overall_mean"].iloc[0] == pytest.approx(
        frame["a"].iloc[:150].mean()
    )


def test_holm_on_a_worked_example():
    found = _profiles.holm(np.array([0.01, 0.04, np.nan, 0.03, 0.005]))
    np.testing.assert_allclose(found, [0.03, 0.06, np.nan, 0.06, 0.02])
