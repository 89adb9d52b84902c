"""The choice of segments on data whose structure is known."""

import numpy as np
import pandas as pd
import pytest
from _segment_data import blobs, chosen, customers, view_of
from sklearn.datasets import make_moons
from sklearn.metrics import adjusted_rand_score

from python_ext import clustering, frames
from python_ext.clustering import _rule
from python_ext.errors import SegmentationError

KMEANS = {"algorithms": ["kmeans"]}


@pytest.mark.parametrize("k", [2, 3, 6])
def test_blobs_are_found_and_numbered_by_worth(k):
    frame, view, truth = blobs(k)
    choice = clustering.choose_segments(frame, view, max_k=k + 2)
    row = chosen(choice)
    assert (row["candidate"], row["k"]) == (f"kmeans_{k}", k)
    assert "of 6 votes" in row["reason"]
    clusters = choice.model.assign(frame)
    assert adjusted_rand_score(truth, clusters["segment_id"]) == 1
    # monetary is the blob's number, so the last blob is segment 1.
    np.testing.assert_array_equal(clusters["segment_id"], k - truth)


def test_the_other_algorithms_are_tried_and_the_simplest_stays():
    frame, view, truth = blobs(3, rows=400)
    choice = clustering.choose_segments(frame, view, max_k=5)
    table = choice.candidates
    assert set(table["algorithm"]) == set(clustering.ALGORITHMS)
    best = table[table["is_admissible"] & (table["k"] == 3)]
    assert {"ward", "gmm", "hdbscan"} <= set(best["algorithm"])
    assert chosen(choice)["algorithm"] == "kmeans"
    assert best.loc[best["algorithm"] == "ward", "reason"].str.contains("simpler").all()
    mixtures = table[(table["algorithm"] == "gmm") & (table["k"] == 3)]
    assert len(mixtures) == 4 and mixtures["bic"].notna().all()
    assert table["candidate"].is_unique


def test_crescents_are_left_to_density():
    points, truth = make_moons(800, noise=0.05, random_state=0)
    frame, view = customers(points)
    choice = clustering.choose_segments(frame, view, max_k=6)
    assert chosen(choice)["algorithm"] in ("dbscan", "hdbscan")
    assert adjusted_rand_score(truth, choice.model.assign(frame)["segment_id"]) > 0.95
    assert chosen(choice)["agreement"] > 0.98


def test_blobs_on_a_grid_have_no_correlation_and_are_found_all_the_same():
    rng = np.random.default_rng(0)
    corner = rng.integers(0, 4, 500)
    points = np.column_stack([corner // 2, corner % 2]) * 6 + rng.normal(size=(500, 2))
    frame, view = customers(points)
    assert chosen(clustering.choose_segments(frame, view, max_k=7, **KMEANS))["k"] == 4


@pytest.mark.parametrize("dimensions", [2, 6])
@pytest.mark.parametrize("shape", ["uniform", "normal"])
def test_structureless_data_fall_back_to_rfm(dimensions, shape):
    rng = np.random.default_rng(dimensions)
    points = getattr(rng, shape)(size=(900, dimensions))
    ids = rng.integers(901, 912, 900)
    frame, view = customers(points, rfm_segment_id=ids)
    choice = clustering.choose_segments(frame, view, max_k=6)
    row = chosen(choice)
    assert (row["algorithm"], row["k"]) == ("rfm", 11)
    assert row["reason"].startswith("no stable segmentation exists")
    assert "RFM segments stand in" in row["reason"]
    clusters = choice.model.assign(frame)
    np.testing.assert_array_equal(clusters["segment_id"], ids)
    assert clusters["membership_probability"].eq(1).all()
    again = clustering.SegmentModel.from_bytes(
        choice.model.to_bytes(), model_id=choice.model.model_id
    )
    pd.testing.assert_frame_equal(again.assign(frame), clusters)
    with pytest.raises(SegmentationError, match="rfm_segment_id"):
        again.assign(frame.drop(columns="rfm_segment_id"))
    with pytest.raises(SegmentationError, match="not coordinates"):
        again.labels(points)


def test_in_another_view_structureless_data_are_one_segment():
    points = np.random.default_rng(0).normal(size=(500, 3))
    frame, view = customers(points, rfm_segment_id=905)
    choice = clustering.choose_segments(frame, view, is_main=False, max_k=5)
    assert chosen(choice)["candidate"] == "kmeans_1"
    assert "no stable segmentation exists" in chosen(choice)["reason"]
    assert choice.model.assign(frame)["segment_id"].eq(1).all()


@pytest.mark.parametrize("scattered", [False, True])
def test_a_giant_cluster_with_dust_is_rejected(scattered):
    rng = np.random.default_rng(5)
    points = rng.normal(size=(1000, 3))
    points[:15] += rng.normal(scale=12, size=(15, 3)) if scattered else 25
    frame, view = customers(points)
    choice = clustering.choose_segments(frame, view, max_k=4, min_segment_share=0.03)
    table = choice.candidates.set_index("candidate")
    assert chosen(choice)["k"] == 1
    if not scattered:
        # Winsorising takes the dust in; without the share two segments would look fine.
        assert table.loc["kmeans_2", "smallest_share"] < 0.03
        assert "smallest segment holds 1.5%" in table.loc["kmeans_2", "reason"]


def test_row_order_changes_nothing():
    frame, view, _ = blobs(3, rows=200)
    one = clustering.choose_segments(frame, view, max_k=4)
    two = clustering.choose_segments(frame.sample(frac=1, random_state=2), view, max_k=4)
    pd.testing.assert_frame_equal(one.candidates, two.candidates)
    assert one.model.model_id == two.model.model_id


def test_the_analyst_sees_what_was_given_up():
    frame, view, _ = blobs(3, rows=300)
    row = chosen(clustering.choose_segments(frame, view, max_k=3, fixed_k=5, **KMEANS))
    assert row["k"] == 5
    assert row["reason"].startswith("fixed by the analyst; the rule chooses kmeans_3.")
    assert row["given_up"].startswith("against kmeans_3: silhouette 0.")
    row = chosen(clustering.choose_segments(frame, view, max_k=4, fixed_algorithm="ward"))
    assert row["candidate"] == "ward_3"
    assert row["given_up"] == "against kmeans_3: nothing"
    few, few_view, _ = blobs(2, rows=20)
    row = chosen(clustering.choose_segments(few, few_view, fixed_k=4, **KMEANS))
    assert row["k"] == 1
    assert "which these data do not allow" in row["reason"]
    with pytest.raises(SegmentationError, match="no algorithm 'kmeens'"):
        clustering.choose_segments(frame, view, fixed_algorithm="kmeens")
    # What is fixed is fixed in the main view alone.
    row = chosen(clustering.choose_segments(frame, view, is_main=False, fixed_k=5, **KMEANS))
    assert row["k"] == 3


def test_the_choice_on_a_sample_is_refined_on_all():
    frame, view, truth = blobs(4, rows=3000)
    choice = clustering.choose_segments(frame, view, max_k=6, choose_rows=300, **KMEANS)
    row = chosen(choice)
    assert (row["k"], row["judged_rows"], row["fitted_rows"]) == (4, 300, 3000)
    model = choice.model
    points = model.preparation.transform(frame)
    means = np.array([points[4 - truth == number].mean(axis=0) for number in model.ids])
    np.testing.assert_allclose(model.centroids, means)


def test_published_figures_are_those_of_the_chosen_labels():
    frame, view, truth = blobs(3)
    choice = clustering.choose_segments(frame, view, max_k=4, **KMEANS)
    row, points = chosen(choice), choice.model.preparation.transform(frame)
    means = np.array([points[truth == c].mean(axis=0) for c in range(3)])
    assert row["inertia"] == pytest.approx(((points - means[truth]) ** 2).sum())
    assert row["silhouette_lower"] < row["silhouette"] < row["silhouette_upper"]
    assert row["smallest_share"] == pytest.approx(np.bincount(truth).min() / 600)
    assert (row["stability_min"], row["agreement"]) == (1, 1)


def candidates(**columns):
    """A table of candidates with one figure varied."""
    defaults = {
        "noise_share": 0.0,
        "stability_min": 0.9,
        "smallest_share": 0.1,
        "gap": 2.0,
        "gap_se": 0.1,
        "connectivity_excess": 0.8,
        "bic": np.nan,
        "elbow": 0.1,
        "silhouette_excess": 0.1,
        "calinski_harabasz_excess": 0.1,
        "davies_bouldin_excess": 0.1,
    }
    return pd.DataFrame({**defaults, **columns})


@pytest.mark.parametrize(
    ("figure", "fails", "passes", "said"),
    [
        ("smallest_share", 0.019, 0.02, "smallest segment"),
        ("stability_min", 0.599, 0.60, "Jaccard"),
        ("gap", 1.2, 1.21, "standard errors"),
        ("noise_share", 0.31, 0.30, "no dense place"),
        ("connectivity_excess", 0.049, 0.05, "links"),
    ],
)
def test_a_candidate_is_admissible_from_each_limit_on(figure, fails, passes, said):
    for value, expected in ((fails, False), (passes, True)):
        table = candidates(candidate=["a"], algorithm=["kmeans"], k=[2], **{figure: [value]})
        verdict = _rule.judge_algorithm(table, 1.0, min_segment_share=0.02)
        assert (verdict.champion == "a") is expected
        assert (said in verdict.reasons["a"]) is not expected


def test_within_the_tolerance_the_simplest_wins():
    table = candidates(
        candidate=["a", "b"], algorithm="kmeans", k=[3, 4], silhouette_excess=[0.0991, 0.1]
    )
    assert _rule.judge_algorithm(table, 1.0, min_segment_share=0).champion == "a"
    bic = candidates(candidate=["a", "b"], algorithm="gmm", k=[3, 4], bic=[109.0, 100.0])
    assert _rule.judge_algorithm(bic, 0.0, min_segment_share=0).champion == "a"
    bic["bic"] = [111.0, 100.0]
    assert _rule.judge_algorithm(bic, 0.0, min_segment_share=0).champion == "b"


@pytest.mark.parametrize(
    ("excess", "stability", "winner"), [(0.7, 0.9, "km"), (0.71, 0.9, "hd"), (0.9, 0.79, "km")]
)
def test_kmeans_stays_unless_clearly_beaten_by_something_as_stable(excess, stability, winner):
    table = candidates(
        candidate=["hd", "km"],
        algorithm=["hdbscan", "kmeans"],
        k=[3, 4],
        connectivity_excess=[excess, 0.5],
        stability_min=[stability, 0.9],
    )
    found, reasons = _rule.judge_champions(table)
    assert found == winner
    assert set(reasons) == {"hd", "km"}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("no rows", "0 customers, at least 50"),
        ("one row", "1 customers, at least 50"),
        ("five rows", "5 customers, at least 50"),
        ("constant", "no feature tells customers apart"),
        ("unknown", "no feature tells customers apart"),
        ("infinite", "no feature tells customers apart"),
    ],
)
def test_degenerate_input_is_one_segment_with_a_reason(case, said):
    frame, view = customers(np.random.default_rng(0).normal(size=(80, 2)))
    few = {"no rows": 0, "one row": 1, "five rows": 5}
    frame = frame.iloc[: few.get(case, 80)]
    values = {"constant": 3.0, "unknown": np.nan, "infinite": np.inf}
    if case in values:
        frame = frame.assign(f0=values[case], f1=values[case])
    choice = clustering.choose_segments(frame, view, max_k=4)
    row = chosen(choice)
    assert (row["k"], len(choice.candidates)) == (1, 1)
    assert said in row["reason"]
    clusters = frames.typed_table(choice.model.assign(frame), clustering.CLUSTERS_SCHEMA)
    assert len(clusters) == len(frame)
    assert set(clusters["segment_id"].to_pylist()) <= {1}


@pytest.mark.filterwarnings("error")
def test_holes_and_infinities_among_good_values():
    frame, view, truth = blobs(3)
    rng = np.random.default_rng(4)
    for j, hole in enumerate((np.nan, np.inf, -np.inf)):
        frame.loc[rng.choice(600, 30, replace=False), f"f{j}"] = hole
    choice = clustering.choose_segments(frame, view, max_k=4)
    assert adjusted_rand_score(truth, choice.model.assign(frame)["segment_id"]) > 0.8


def test_few_distinct_customers():
    frame, view = customers(np.repeat([[0.0, 0.0], [1.0, 5.0], [9.0, 1.0]], 40, axis=0))
    choice = clustering.choose_segments(frame, view)
    assert choice.candidates["k"].max() <= 3
    assert len(choice.model.assign(frame)) == 120
    assert view_of(frame).name == "all"
