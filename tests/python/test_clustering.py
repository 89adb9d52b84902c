"""Segments against known truth, slow formulas and degenerate input."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import (
    adjusted_rand_score,
    calinski_harabasz_score,
    davies_bouldin_score,
)

from python_ext import clustering, frames
from python_ext.clustering import _indices, _profiles

SEEDS = Path(__file__).resolve().parents[2] / "seeds" / "reference"


def customers(points, **columns):
    """A feature table and its seed out of coordinates."""
    frame = pd.DataFrame(points, columns=[f"f{j}" for j in range(np.shape(points)[1])])
    definitions = pd.DataFrame(
        {
            "feature": frame.columns,
            "source_table": "shop.orders",
            # A view of its own each, so that nothing is weighted.
            "view": frame.columns,
            "transform": "none",
            "in_clustering": True,
            "in_propensity": True,
            "label_en": frame.columns.str.upper(),
            "label_fr": frame.columns.str.upper(),
        }
    )
    keys = [f"c{i:05d}" for i in range(len(frame))]
    return frame.assign(customer_key=keys, **columns), definitions


def blobs(k, *, rows=600, dimensions=4, seed=1):
    points, truth = make_blobs(rows, dimensions, centers=k, cluster_std=0.6, random_state=seed)
    return *customers(points, monetary=truth.astype(float)), truth


def chosen(models):
    return models[models["is_chosen"]].iloc[0]


@pytest.mark.parametrize("k", [2, 3, 6])
def test_blobs_are_found_and_numbered_by_worth(k):
    frame, definitions, truth = blobs(k)
    models = clustering.choose_segments(frame, definitions, max_k=k + 2)
    assert chosen(models)["k"] == k
    assert "of 6 votes" in chosen(models)["reason"]
    clusters = clustering.load_chosen(models).assign(frame)
    assert adjusted_rand_score(truth, clusters["segment_id"]) == 1
    # monetary is the blob's number, so the last blob is segment 1.
    np.testing.assert_array_equal(clusters["segment_id"], k - truth)
    assert clusters["model_id"].eq(chosen(models)["model_id"]).all()


def test_blobs_on_a_grid_have_no_correlation_and_are_found_all_the_same():
    rng = np.random.default_rng(0)
    corner = rng.integers(0, 4, 500)
    points = np.column_stack([corner // 2, corner % 2]) * 6 + rng.normal(size=(500, 2))
    frame, definitions = customers(points)
    assert chosen(clustering.choose_segments(frame, definitions, max_k=7))["k"] == 4


@pytest.mark.parametrize("dimensions", [2, 6])
@pytest.mark.parametrize("shape", ["uniform", "normal"])
def test_structureless_data_are_not_segmented(dimensions, shape):
    rng = np.random.default_rng(dimensions)
    points = getattr(rng, shape)(size=(900, dimensions))
    frame, definitions = customers(points)
    models = clustering.choose_segments(frame, definitions, max_k=6)
    row = chosen(models)
    assert row["k"] == 1
    assert row["is_admissible"]
    assert "everyone is one segment" in row["reason"]
    assert models.loc[models["k"] > 1, "reason"].str.contains("structureless|Jaccard").all()


def test_a_giant_cluster_with_dust_is_rejected():
    rng = np.random.default_rng(5)
    points = rng.normal(size=(1000, 3))
    points[:15] += 25
    frame, definitions = customers(points)
    models = clustering.choose_segments(frame, definitions, max_k=4, min_segment_share=0.03)
    two = models[models["k"] == 2].iloc[0]
    assert two["silhouette"] > 0.7
    assert not two["is_admissible"]
    assert "smallest segment holds 1.5%" in two["reason"]
    assert chosen(models)["k"] == 1


def test_row_order_changes_nothing():
    frame, definitions, _ = blobs(3, rows=200)
    models = clustering.choose_segments(frame, definitions, max_k=4)
    shuffled = frame.sample(frac=1, random_state=2)
    again = clustering.choose_segments(shuffled, definitions[::-1], max_k=4)
    pd.testing.assert_frame_equal(models, again)


def test_the_analyst_can_fix_the_number():
    frame, definitions, _ = blobs(3, rows=300)
    row = chosen(clustering.choose_segments(frame, definitions, max_k=3, fixed_k=5))
    assert row["k"] == 5
    assert row["reason"].startswith("fixed by the analyst; the rule chooses 3.")
    few, few_definitions, _ = blobs(2, rows=20)
    row = chosen(clustering.choose_segments(few, few_definitions, fixed_k=4))
    assert row["k"] == 1
    assert "which these data do not allow" in row["reason"]


def test_extreme_customers_are_outliers():
    frame, definitions, _ = blobs(3, rows=300)
    frame.loc[7, "f0"] = 500.0
    models = clustering.choose_segments(frame, definitions, max_k=4)
    clusters = clustering.load_chosen(models).assign(frame)
    assert clusters.loc[7, "is_outlier"]
    assert clusters.loc[7, "distance"] > 50
    assert clusters["is_outlier"].mean() < 0.05


def everything(frame, definitions):
    """All four tables, typed."""
    models = clustering.choose_segments(frame, definitions, max_k=4)
    clusters = clustering.load_chosen(models).assign(frame)
    profiles = clustering.profile_segments(clusters, frame, definitions)
    names = clustering.name_segments(profiles, ARCHETYPES)
    return [
        frames.typed_table(rows, schema).to_pandas()
        for rows, schema in (
            (models, clustering.MODELS_SCHEMA),
            (clusters, clustering.CLUSTERS_SCHEMA),
            (profiles, clustering.PROFILES_SCHEMA),
            (names, clustering.NAMES_SCHEMA),
        )
    ]


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
        ("no features", "no feature tells customers apart"),
    ],
)
def test_degenerate_input_is_one_segment_with_a_reason(case, said):
    frame, definitions = customers(np.random.default_rng(0).normal(size=(80, 2)))
    few = {"no rows": 0, "one row": 1, "five rows": 5}
    frame = frame.iloc[: few.get(case, 80)]
    values = {"constant": 3.0, "unknown": np.nan, "infinite": np.inf}
    if case in values:
        frame = frame.assign(f0=values[case], f1=values[case])
    if case == "no features":
        definitions = definitions.assign(in_clustering=False)
    models, clusters, profiles, names = everything(frame, definitions)
    assert (chosen(models)["k"], len(models)) == (1, 1)
    assert said in chosen(models)["reason"]
    assert len(clusters) == len(frame)
    if len(frame):
        assert clusters["segment_id"].eq(1).all()
        assert clusters["membership_probability"].eq(1).all()
        assert clusters["second_segment_id"].isna().all()
        assert names["segment"].tolist() == ["Everyone"]
        assert profiles["differentiator_rank"].isna().all()


@pytest.mark.filterwarnings("error")
def test_holes_and_infinities_among_good_values():
    frame, definitions, truth = blobs(3)
    rng = np.random.default_rng(4)
    for j, hole in enumerate((np.nan, np.inf, -np.inf)):
        frame.loc[rng.choice(600, 30, replace=False), f"f{j}"] = hole
    _, clusters, profiles, _ = everything(frame, definitions)
    assert adjusted_rand_score(truth, clusters["segment_id"]) > 0.8
    assert np.isfinite(profiles["mean"]).all()


def test_few_distinct_customers():
    frame, definitions = customers(np.repeat([[0.0, 0.0], [1.0, 5.0], [9.0, 1.0]], 40, axis=0))
    models = clustering.choose_segments(frame, definitions)
    assert models["k"].max() == 2
    everything(frame, definitions)


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


def slow_silhouette(points, labels):
    distance = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    scores = []
    for i, own in enumerate(labels):
        others = np.arange(len(points)) != i
        inside = distance[i][(labels == own) & others].mean()
        nearest = min(distance[i][labels == c].mean() for c in set(labels) - {own})
        scores.append((nearest - inside) / max(inside, nearest))
    return np.mean(scores)


def test_separation_equals_independent_figures():
    points, labels = make_blobs(90, 3, centers=3, random_state=2, cluster_std=3)
    sample = np.arange(0, 90, 2)
    figures = _indices.separation(
        points, labels, sample=sample, distances=_indices.distances_between(points[sample])
    )
    assert figures["silhouette"] == pytest.approx(slow_silhouette(points[sample], labels[sample]))
    assert figures["calinski_harabasz"] == pytest.approx(calinski_harabasz_score(points, labels))
    assert figures["davies_bouldin"] == pytest.approx(davies_bouldin_score(points, labels))


def test_published_figures_are_those_of_the_chosen_labels():
    frame, definitions, truth = blobs(3)
    row = chosen(clustering.choose_segments(frame, definitions, max_k=4))
    points = clustering.load_chosen(pd.DataFrame([row])).preparation.transform(frame)
    means = np.array([points[truth == c].mean(axis=0) for c in range(3)])
    assert row["inertia"] == pytest.approx(((points - means[truth]) ** 2).sum())
    assert row["silhouette"] == pytest.approx(slow_silhouette(points, truth), rel=1e-6)
    assert row["smallest_share"] == pytest.approx(np.bincount(truth).min() / 600)
    assert row["stability_min"] == 1


def test_structureless_data_have_no_excess():
    points = np.random.default_rng(1).uniform(size=(400, 4))
    found = _indices.compare_with_reference(points, [1, 2, 3, 4], silhouette_rows=400)
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


def test_membership_is_the_posterior_of_the_documented_mixture():
    points, truth = make_blobs(300, 2, centers=3, cluster_std=4.0, random_state=8)
    frame, definitions = customers(points)
    models = clustering.choose_segments(frame, definitions, fixed_k=3, max_k=3)
    model = clustering.load_chosen(models)
    clusters = model.assign(frame)
    density = np.column_stack(
        [
            share
            * stats.multivariate_normal(center, model.variance).pdf(
                model.preparation.transform(frame)
            )
            for center, share in zip(model.centroids, model.shares, strict=True)
        ]
    )
    posterior = density / density.sum(axis=1, keepdims=True)
    np.testing.assert_array_equal(clusters["segment_id"], posterior.argmax(axis=1) + 1)
    np.testing.assert_allclose(clusters["membership_probability"], posterior.max(axis=1))
    np.testing.assert_allclose(clusters["second_probability"], np.sort(posterior, axis=1)[:, -2])
    assert (clusters["membership_probability"] + clusters["second_probability"] <= 1 + 1e-12).all()
    assert clusters["membership_probability"].min() < 0.7
    assert (clusters["segment_id"] != clusters["second_segment_id"]).all()


def test_batches_give_what_one_piece_gives():
    frame, definitions, _ = blobs(3, rows=250)
    model = clustering.load_chosen(clustering.choose_segments(frame, definitions, max_k=4))
    schema = clustering.CLUSTERS_SCHEMA
    reader = frames.map_batches(None, frame, model.assign, schema, batch_rows=60)
    assert reader.read_all().equals(frames.typed_table(model.assign(frame), schema))


def test_an_altered_or_foreign_artefact_is_refused():
    frame, definitions, _ = blobs(2, rows=120)
    models = clustering.choose_segments(frame, definitions, max_k=3)
    row = chosen(models)
    altered = row["artefact"].replace(b'"variance": ', b'"variance": 9')
    with pytest.raises(clustering.ArtefactError, match="altered"):
        clustering.SegmentModel.from_bytes(altered, model_id=row["model_id"])
    foreign = b'{"format": "something else"}'
    name = hashlib.sha256(foreign).hexdigest()[:16]
    with pytest.raises(clustering.ArtefactError, match="something else"):
        clustering.SegmentModel.from_bytes(foreign, model_id=name)
    with pytest.raises(clustering.ArtefactError, match="0 chosen models"):
        clustering.load_chosen(models[~models["is_chosen"]])
