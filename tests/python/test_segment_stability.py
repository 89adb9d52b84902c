"""Stability against known truth, values computed by hand, and scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from python_ext import clustering, frames
from python_ext.clustering import _indices
from python_ext.clustering._stability import (
    agreement,
    leave_out,
    movement,
    rate_jaccard,
    rate_rand,
    resample,
    seed_to_seed,
)
from python_ext.clustering._views import View, ViewFeature


def refit_of(k):
    return lambda points, seed: _indices.fit_kmeans(points, k, seed=seed, n_init=1).labels_


def blobs(k, *, rows=200, apart=20.0, dimensions=3, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(k), rows)
    centres = np.zeros((k, dimensions))
    centres[:, 0] = apart * np.arange(k)
    return centres[labels] + rng.normal(size=(k * rows, dimensions)), labels


def test_well_separated_segments_are_found_again_each_time():
    points, labels = blobs(2)
    found = resample(points, labels, 2, refit_of(2))
    np.testing.assert_array_equal(found.jaccard, [1, 1])
    np.testing.assert_array_equal(found.rand, np.ones(12))
    np.testing.assert_array_equal(seed_to_seed(points, refit_of(2)), np.ones(15))


def test_cuts_through_noise_are_not_found_again():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(600, 8))
    labels = refit_of(6)(points, 1)
    found = resample(points, labels, 6, refit_of(6))
    assert found.jaccard.max() < 0.60 and found.rand.mean() < 0.5
    assert seed_to_seed(points, refit_of(6)).mean() < 0.5


def test_jaccard_and_rand_by_hand():
    """Of 1 2 3 4 | 5 6 7 8 the refit makes 1 2 3 | 4 5 6 7 8, whatever was drawn."""
    points = np.arange(8.0)[:, None]
    labels = np.repeat([0, 1], 4)
    jaccard, rand = agreement(labels, np.array([5, 5, 5, 2, 2, 2, 2, 2]), 2)
    np.testing.assert_allclose(jaccard, [3 / 4, 4 / 5])
    # Pairs together in both 3 + 6, in the first 12, in the second 13, of 28.
    expected = (9 - 12 * 13 / 28) / ((12 + 13) / 2 - 12 * 13 / 28)
    assert rand == pytest.approx(expected)
    found = resample(points, labels, 2, lambda rows, _: (rows[:, 0] > 2).astype(int), resamples=400)
    # Each row is drawn with the same chance, so the means lie about the values of all rows.
    np.testing.assert_allclose(found.jaccard, [3 / 4, 4 / 5], atol=0.06)


def test_the_resampled_rand_is_that_of_scikit_learn():
    points, labels = blobs(3, apart=2.5)
    rng = np.random.default_rng(7)
    expected = []
    for _ in range(4):
        drawn = rng.integers(0, len(points), len(points))
        again = refit_of(3)(points[drawn], int(rng.integers(2**31)))
        first = pd.Series(again, index=drawn).groupby(level=0).first()
        expected.append(adjusted_rand_score(labels[first.index], first))
    found = resample(points, labels, 3, refit_of(3), resamples=4, seed=7)
    np.testing.assert_allclose(found.rand, expected)
    assert len(set(found.rand)) > 1


def test_a_segment_without_rows_has_no_figure():
    points, labels = blobs(2)
    assert np.isnan(resample(points, labels, 3, refit_of(2)).jaccard[2])
    assert np.isnan(agreement(labels, labels, 3)[0][2])


def test_noise_is_a_group_of_its_own():
    labels = np.repeat([0, 1], 4)
    jaccard, _ = agreement(labels, np.array([0, 0, 0, 0, -1, -1, 1, 1]), 2)
    np.testing.assert_allclose(jaccard, [1, 0.5])


def test_only_the_part_that_made_the_segments_is_missed():
    points, labels = blobs(2)
    columns = {"what tells": [0], "noise": [1], "the rest": [0, 1, 2]}

    def without(names):
        left = [j for j in range(3) if j not in names]
        return refit_of(2)(points[:, left], 0) if left else None

    found = leave_out(labels, columns, without)
    assert found["noise"] == 1 and found["what tells"] < 0.1 and "the rest" not in found


def test_movement_by_hand():
    before, after = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 1, 1, 1])
    found = movement(before, after, 3)
    assert found.share == pytest.approx(5 / 6)
    np.testing.assert_allclose(found.shares, [3 / 4, 1, np.nan])
    assert found.rand == pytest.approx(adjusted_rand_score(before, after))


@pytest.mark.parametrize(
    ("value", "jaccard", "rand"),
    [
        (0.599, "unstable", "unstable"),
        (0.60, "doubtful", "unstable"),
        (0.65, "doubtful", "doubtful"),
        (0.75, "doubtful", "doubtful"),
        (0.751, "stable", "doubtful"),
        (0.80, "stable", "stable"),
        (np.nan, None, None),
    ],
)
def test_labels_at_their_limits(value, jaccard, rand):
    assert (rate_jaccard(value), rate_rand(value)) == (jaccard, rand)


@pytest.fixture(scope="module")
def planted():
    """A model of three segments, its customers, and the same a while ago, a tenth elsewhere."""
    points, labels = blobs(3, rows=300, apart=15.0)
    # The second feature tells two children apart in the last segment.
    points[labels == 2, 1] += 8 * (np.arange(300) % 2)
    features = tuple(
        ViewFeature(f"f{j}", group, "none", "", "", weight=1.0 if j else 4.0)
        for j, group in enumerate(["behaviour", "behaviour", "taste"])
    )
    frame = pd.DataFrame(points, columns=["f0", "f1", "f2"]).assign(
        customer_key=[f"c{i:04d}" for i in range(900)], monetary=labels
    )
    choice = clustering.choose_segments(
        frame, View("all", "", "", "none", features), algorithms=("kmeans",), fixed_k=3, max_k=4
    )
    model = choice.model
    prepared = model.preparation.transform(frame)
    model = model.with_nesting(clustering.nest(prepared, model.labels(prepared), k=3))
    earlier = frame.copy()
    moved = frame.index[labels == 0][:30]
    earlier.loc[moved, "f0"] += 15
    return model, frame, earlier, labels


def measured(rows, measure, level="segment"):
    part = rows[(rows["measure"] == measure) & (rows["level"] == level)]
    return part.set_index("segment_id")["value"]


def test_a_model_is_judged_from_every_side(planted):
    model, frame, earlier, labels = planted
    rows = clustering.measure_stability({"all": model}, frame, earlier)
    frames.typed_table(rows, clustering.STABILITY_SCHEMA)
    assert not rows.duplicated(list(clustering.STABILITY_SCHEMA.key)).any()
    assert measured(rows, "bootstrap_jaccard").min() > 0.97
    assert measured(rows, "seed_rand")[0] > 0.97
    # Both children of the divided segment, and their mean; an only child has no siblings.
    subs = measured(rows, "bootstrap_jaccard", "sub_segment")
    assert len(subs) == 3 and subs.min() > 0.97
    # The division itself is judged where the segment is that was divided.
    divided = rows[rows["measure"] == "division_agreement"]
    third = model.ids[model.labels(model.preparation.transform(frame))[-1]]
    assert list(zip(divided["level"], divided["segment_id"], strict=True)) == [("segment", third)]
    assert divided["value"].between(0.75, 1).all() and divided["customers"].tolist() == [300]
    assert divided["label"].iloc[0] == rate_rand(divided["value"].iloc[0])
    assert "of 8 random halves" in divided["basis"].iloc[0]
    lowest = rows[rows["measure"] == "without_feature_lowest"].iloc[0]
    assert lowest["value"] < 0.6 and lowest["label"] == "unstable"
    assert lowest["basis"].endswith("without f0")
    # Without behaviour a single feature would be left, which is no view.
    assert set(rows.loc[rows["measure"] == "without_group", "left_out"]) == {"taste"}
    # Thirty of those who are in the first blob today were in the second.
    stay = measured(rows, "customers_stay")
    assert stay[0] == pytest.approx(1 - 30 / 900, abs=0.002)
    second = model.ids[model.labels(model.preparation.transform(frame))[300]]
    assert stay[second] == pytest.approx(300 / 330, abs=0.005)
    assert measured(rows, "refit_rand")[0] > 0.97
    assert rows.loc[rows["measure"].str.startswith("customers"), "label"].isna().all()


def test_another_view_has_the_cheap_measures(planted):
    model, frame, earlier, _ = planted
    rows = clustering.measure_stability({"all": model}, frame, earlier, main_view="value")
    assert set(rows["measure"]) == {"bootstrap_jaccard", "bootstrap_rand", "seed_rand"}


def test_nothing_is_said_of_time_without_an_earlier_cutoff(planted):
    model, frame, earlier, _ = planted
    for before in (None, earlier.iloc[:0]):
        rows = clustering.measure_stability({"all": model}, frame, before)
        assert "customers_stay" not in set(rows["measure"])


def test_stability_is_the_same_in_two_runs_and_in_any_order(planted):
    model, frame, earlier, _ = planted
    one = clustering.measure_stability({"all": model}, frame, earlier)
    shuffled = frame.sample(frac=1, random_state=1)
    two = clustering.measure_stability({"all": model}, shuffled, earlier)
    pd.testing.assert_frame_equal(one, two)


def test_trees_of_views_with_and_without_lower_levels(planted):
    model, *_ = planted
    plain = model.with_nesting(None)
    trees = clustering.tabulate_trees(
        {"all": model, "value": plain}, {plain.model_id: 900, model.model_id: 900}
    )
    frames.typed_table(trees, clustering.TREE_SCHEMA)
    value = trees[trees["view"] == "value"]
    assert sorted(value["level"]) == ["all", "branch", "segment", "segment", "segment"]
    assert value.loc[value["level"] == "segment", "customers"].sum() == 900
    upper = trees[(trees["view"] == "all") & trees["level"].isin(["all", "segment"])]
    same = value[value["level"].isin(["all", "segment"])]
    assert list(upper["segment_id"].dropna()) == list(same["segment_id"].dropna())
    # The root stands as high, whether lower levels are there or not.
    assert upper["height"].iloc[0] == pytest.approx(same["height"].iloc[0], rel=1e-6)
