"""Stored models: what they assign, in batches, by each algorithm, and after reading back."""

import hashlib
import json
from datetime import date

import numpy as np
import pandas as pd
import pytest
from _segment_data import blobs, chosen, customers
from scipy import stats
from scipy.spatial.distance import cdist
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from python_ext import clustering, frames
from python_ext.clustering import _algorithms
from python_ext.clustering._assigners import Exemplars, Mixture
from python_ext.errors import SegmentationError

KMEANS = {"algorithms": ["kmeans"]}


def test_membership_is_the_posterior_of_the_documented_mixture():
    points, _ = make_blobs(300, 2, centers=3, cluster_std=4.0, random_state=8)
    frame, view = customers(points)
    model = clustering.choose_segments(frame, view, fixed_k=3, max_k=3, **KMEANS).model
    clusters = model.assign(frame)
    prepared = model.preparation.transform(frame)
    density = np.column_stack(
        [
            share * stats.multivariate_normal(center, model.assigner.variance).pdf(prepared)
            for center, share in zip(model.centroids, model.shares, strict=True)
        ]
    )
    posterior = density / density.sum(axis=1, keepdims=True)
    np.testing.assert_array_equal(clusters["segment_id"], posterior.argmax(axis=1) + 1)
    np.testing.assert_allclose(clusters["membership_probability"], posterior.max(axis=1))
    np.testing.assert_allclose(clusters["second_probability"], np.sort(posterior, axis=1)[:, -2])
    assert clusters["membership_probability"].min() < 0.7
    assert (clusters["segment_id"] != clusters["second_segment_id"]).all()


@pytest.mark.parametrize("kind", _algorithms.COVARIANCE_TYPES)
def test_a_mixture_is_that_of_scikit_learn_and_survives_storing(kind):
    points, truth = make_blobs(400, 3, centers=3, random_state=1)
    partition = _algorithms.mixture(points, truth, 3, covariance_type=kind, max_iter=200)
    floor = _algorithms.LEAST_VARIANCE * points.var(axis=0).mean()
    other = GaussianMixture(3, covariance_type=kind, reg_covar=floor, n_init=3, random_state=0)
    other.fit(points)
    assert partition.bic == pytest.approx(other.bic(points), rel=1e-3)
    stored = Mixture.from_dict(partition.assigner.to_dict(), 3)
    np.testing.assert_allclose(
        stored.probabilities(points), partition.assigner.probabilities(points)
    )
    turned = stored.reordered([2, 0, 1]).probabilities(points)
    np.testing.assert_allclose(turned, stored.probabilities(points)[:, [2, 0, 1]])


def test_exemplars_reproduce_the_clusters_and_know_noise():
    points, truth = make_blobs(900, 2, centers=3, cluster_std=0.5, random_state=4)
    noise = np.array([[40.0, 40.0], [-35.0, 0.0]])
    labels = np.r_[truth, -1, -1]
    exemplars = Exemplars.draw(np.vstack([points, noise]), labels, 3, most=90)
    assert len(exemplars.points) <= 95
    found = exemplars.probabilities(points).argmax(axis=1)
    # Two of the blobs touch, and an exemplar may lie on either side of that border.
    assert (found == truth).mean() > 0.99
    nearest = exemplars.probabilities(noise).argmax(axis=1)
    assert exemplars.far_out(noise, nearest).all()
    assert exemplars.far_out(points, truth).mean() < 0.02
    np.testing.assert_allclose(exemplars.probabilities(points).sum(axis=1), 1)


def test_the_knee_of_distances_separates_dense_from_sparse():
    rng = np.random.default_rng(0)
    points = np.vstack([rng.normal(scale=0.2, size=(500, 2)), rng.uniform(-9, 9, size=(40, 2))])
    reach = _algorithms.knee_of_distances(points, 5)
    fifth = np.sort(cdist(points, points), axis=1)[:, 5]
    assert np.quantile(fifth[:500], 0.9) < reach < np.median(fifth[500:])


@pytest.mark.parametrize("algorithm", clustering.ALGORITHMS)
def test_every_algorithm_gives_a_model_that_stores_and_assigns(algorithm):
    frame, view, truth = blobs(3, rows=300)
    choice = clustering.choose_segments(
        frame, view, max_k=4, algorithms=["kmeans"], fixed_algorithm=algorithm
    )
    assert chosen(choice)["algorithm"] == algorithm
    model = choice.model
    clusters = model.assign(frame)
    assert adjusted_rand_score(truth, clusters["segment_id"]) > 0.95
    assert set(clusters["segment_id"]) == {1, 2, 3}
    again = clustering.SegmentModel.from_bytes(model.to_bytes(), model_id=model.model_id)
    pd.testing.assert_frame_equal(again.assign(frame), clusters)
    points = model.preparation.transform(frame)
    np.testing.assert_array_equal(model.labels(points) + 1, clusters["segment_id"])


def test_many_customers_are_refined_by_mini_batches(monkeypatch):
    points, truth = make_blobs(4000, 2, centers=3, cluster_std=0.4, random_state=0)
    start = np.array([points[truth == c][:5].mean(axis=0) for c in range(3)])
    whole = _algorithms.refine_kmeans(points, start, seed=0)
    monkeypatch.setattr(_algorithms, "MINI_BATCH_ROWS", 1000)
    np.testing.assert_array_equal(_algorithms.refine_kmeans(points, start, seed=0), whole)


def test_extreme_customers_are_outliers():
    frame, view, _ = blobs(3, rows=300)
    frame.loc[7, "f0"] = 500.0
    clusters = clustering.choose_segments(frame, view, max_k=4, **KMEANS).model.assign(frame)
    assert clusters.loc[7, "is_outlier"]
    assert clusters.loc[7, "distance"] > 50
    assert clusters["is_outlier"].mean() < 0.05


def test_ids_can_be_replaced_and_stay_unique():
    frame, view, _ = blobs(3, rows=200)
    model = clustering.choose_segments(frame, view, max_k=3, **KMEANS).model
    moved = model.replace_ids([7, 2, 9], {"segment": 9})
    before, after = model.assign(frame)["segment_id"], moved.assign(frame)["segment_id"]
    np.testing.assert_array_equal(after, before.map({1: 7, 2: 2, 3: 9}))
    np.testing.assert_array_equal(moved.segment_ids(frame), after)
    assert moved.issued == {"segment": 9}
    for wrong in ([1, 1, 2], [1, 2], [0, 1, 2]):
        with pytest.raises(SegmentationError, match="3 different positive"):
            model.replace_ids(wrong)


def run(frame, views, *, as_of, decision="fitted", **options):
    """Rows of a run of several views."""
    return pd.concat(
        clustering.choose_segments(
            frame, view, is_main=view.name == "all", **options, **KMEANS
        ).rows(as_of=as_of, decision=decision)
        for view in views
    )


def test_all_views_are_assigned_in_one_pass_and_in_batches():
    frame, view, _ = blobs(3, rows=250)
    half = clustering.View("half", "half", "half", "none", view.features[:2])
    frame.loc[::5, ["f0", "f1"]] = np.nan
    models = run(frame, [view, half], as_of=date(2025, 1, 1), max_k=4)
    frames.typed_table(models, clustering.MODELS_SCHEMA)
    segmentation = clustering.Segmentation.load(models)
    whole = frames.typed_table(segmentation.assign(frame), clustering.CLUSTERS_SCHEMA)
    # Who is unknown in a view has no row in it.
    assert whole.to_pandas().groupby("view").size().to_dict() == {"all": 250, "half": 200}
    reader = frames.map_batches(
        None, frame, segmentation.assign, clustering.CLUSTERS_SCHEMA, batch_rows=60
    )
    order = [("view", "ascending"), ("customer_key", "ascending")]
    assert reader.read_all().sort_by(order).equals(whole)


def test_what_the_model_before_says_stands_beside():
    frame, view, _ = blobs(3, rows=200)
    first = run(frame, [view], as_of=date(2025, 1, 1), fixed_k=2, max_k=4)
    second = run(frame, [view], as_of=date(2025, 2, 1), max_k=4)
    both = pd.concat([first, second])
    earlier = clustering.Segmentation.load(both, as_of=date(2025, 1, 15)).assign(frame)
    assert earlier["previous_model_segment_id"].isna().all()
    today = clustering.Segmentation.load(both).assign(frame)
    np.testing.assert_array_equal(today["previous_model_segment_id"], earlier["segment_id"])
    assert today["segment_id"].nunique() == 3
    kept = pd.concat([first, second.assign(decision="kept")])
    today = clustering.Segmentation.load(kept).assign(frame)
    np.testing.assert_array_equal(today["previous_model_segment_id"], today["segment_id"])
    assert clustering.load_chosen(both, as_of=date(2025, 1, 15)).k == 2
    assert clustering.load_chosen(both).k == 3


def test_an_altered_or_foreign_artefact_is_refused():
    frame, view, _ = blobs(2, rows=120)
    models = run(frame, [view], as_of=date(2025, 1, 1), max_k=3)
    row = models[models["is_chosen"]].iloc[0]
    altered = row["artefact"].replace(b'"variance": ', b'"variance": 9')
    with pytest.raises(clustering.ArtefactError, match="altered"):
        clustering.SegmentModel.from_bytes(altered, model_id=row["model_id"])
    foreign = b'{"format": "something else"}'
    name = hashlib.sha256(foreign).hexdigest()[:16]
    with pytest.raises(clustering.ArtefactError, match="something else"):
        clustering.SegmentModel.from_bytes(foreign, model_id=name)
    with pytest.raises(clustering.ArtefactError, match="no segmentation is stored"):
        clustering.load_chosen(models[~models["is_chosen"]])
    with pytest.raises(clustering.ArtefactError, match="no segments of the view taste"):
        clustering.load_chosen(models, view="taste")
    with pytest.raises(clustering.ArtefactError, match="several chosen"):
        clustering.load_chosen(pd.concat([models, models]))


def older_kinds(stored):
    """The artefact as versions may have stored it that had other parts."""
    for part in ("centroids", "preparation", "assigner", "ids", "nesting", "reference"):
        yield {name: value for name, value in stored.items() if name != part}
    yield {**stored, "ids": stored["ids"][1:]}
    yield {**stored, "centroids": [[0.0]]}
    yield {**stored, "assigner": {"kind": "oracle"}}
    yield {**stored, "preparation": [1, 2]}
    preparation = stored["preparation"]
    for part in ("features", "imputer", "factors", "flagged"):
        without = {name: value for name, value in preparation.items() if name != part}
        yield {**stored, "preparation": without}
    yield {**stored, "preparation": {**preparation, "flavour": "sweet"}}
    yield {**stored, "preparation": {**preparation, "imputer": {"strategies": ["median"]}}}
    feature = {**preparation["features"][0], "flavour": "sweet"}
    yield {**stored, "preparation": {**preparation, "features": [feature]}}


def test_artefacts_of_an_older_kind_are_refused_in_words():
    frame, view, _ = blobs(2, rows=120)
    stored = json.loads(clustering.choose_segments(frame, view, max_k=3, **KMEANS).model.to_bytes())
    tried = 0
    for older in (*older_kinds(stored), [], None):
        artefact = json.dumps(older).encode()
        name = hashlib.sha256(artefact).hexdigest()[:16]
        with pytest.raises(clustering.ArtefactError, match="Rebuild ml_segment_models"):
            clustering.SegmentModel.from_bytes(artefact, model_id=name)
        tried += 1
    assert tried > 15
    no_json = b"\x80\x04pickle"
    with pytest.raises(clustering.ArtefactError, match="cannot read"):
        clustering.SegmentModel.from_bytes(
            no_json, model_id=hashlib.sha256(no_json).hexdigest()[:16]
        )


def test_an_earlier_run_that_cannot_be_read_is_passed_over():
    frame, view, _ = blobs(2, rows=120)
    earlier = run(frame, [view], as_of=date(2025, 1, 1), max_k=3)
    today = run(frame, [view], as_of=date(2025, 2, 1), max_k=3)
    artefact = b'{"format": "of old"}'
    earlier.loc[earlier["is_chosen"], "artefact"] = artefact
    earlier.loc[earlier["is_chosen"], "model_id"] = hashlib.sha256(artefact).hexdigest()[:16]
    both = pd.concat([earlier, today])
    assigned = clustering.Segmentation.load(both).assign(frame)
    assert assigned["previous_model_segment_id"].isna().all()
    assert assigned["segment_id"].nunique() == 2
    with pytest.raises(clustering.ArtefactError, match="of old"):
        clustering.Segmentation.load(both, as_of=date(2025, 1, 15))


def test_the_seed_numbers_each_rfm_segment_once():
    from pathlib import Path

    from python_ext.clustering._model import RFM_IDS

    path = Path(__file__).resolve().parents[2] / "seeds/reference/rfm_segments.csv"
    seed = pd.read_csv(path)[["rfm_segment", "rfm_segment_id"]].drop_duplicates()
    assert sorted(seed["rfm_segment_id"]) == list(RFM_IDS)
    assert seed["rfm_segment"].is_unique
