"""The picture of the segments: principal components and t-SNE."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA

from python_ext import frames
from python_ext.clustering import PROJECTION_SCHEMA, project_customers
from python_ext.clustering._projection import embed_neighbours, principal_plane


class _Preparation:
    """Stands for a fitted preparation: takes three columns as they are."""

    def transform(self, frame: pd.DataFrame) -> np.ndarray:
        return frame[["a", "b", "c"]].to_numpy(float)


class _Model:
    preparation = _Preparation()

    def known(self, frame: pd.DataFrame) -> np.ndarray:
        return frame["a"].notna().to_numpy()


MODELS = {"all": _Model(), "psychographics": _Model()}


@pytest.fixture(scope="module")
def three_groups() -> pd.DataFrame:
    draw = np.random.default_rng(3)
    centres = np.repeat([[0, 0, 0], [9, 0, 0], [0, 6, 3]], 50, axis=0)
    points = centres + draw.normal(size=centres.shape)
    frame = pd.DataFrame(points, columns=["a", "b", "c"])
    frame.insert(0, "customer_key", [f"k{number:03d}" for number in range(len(frame))])
    return frame


def test_plane_agrees_with_scikit_learn(three_groups):
    points = three_groups[["a", "b", "c"]].to_numpy()
    plane, explained = principal_plane(points)
    reference = PCA(2).fit(points)
    assert explained == pytest.approx(reference.explained_variance_ratio_)
    assert np.abs(plane) == pytest.approx(np.abs(reference.transform(points)))


def test_largest_loading_of_a_component_is_positive(three_groups):
    points = three_groups[["a", "b", "c"]].to_numpy()
    # Column a carries most of the first component, so customers who are high in it lie right,
    # and in the mirrored data, where they are low in it, left.
    for sign in (1, -1):
        plane, _ = principal_plane(points * sign)
        assert np.corrcoef(plane[:, 0], points[:, 0] * sign)[0, 1] > 0.9


@pytest.mark.parametrize("width", [0, 1, 2])
def test_plane_of_few_columns(width):
    points = np.random.default_rng(0).normal(size=(20, width))
    plane, explained = principal_plane(points)
    assert plane.shape == (20, 2)
    assert (plane[:, width:] == 0).all()
    assert explained.sum() == pytest.approx(1.0 if width else 0.0)


def test_equal_customers_lie_on_one_point():
    plane, explained = principal_plane(np.ones((20, 3)))
    assert not plane.any() and not explained.any()
    assert not embed_neighbours(np.ones((20, 3)), plane, seed=1).any()


def test_few_customers_have_no_tsne(three_groups):
    drawn = project_customers(three_groups.head(9), MODELS, view="all")
    assert drawn["tsne_1"].isna().all() and drawn["tsne_trustworthiness"].isna().all()
    assert drawn["pca_1"].notna().all()


def test_groups_stay_apart(three_groups):
    drawn = project_customers(three_groups, MODELS, view="all", seed=5)
    for axes in (["pca_1", "pca_2"], ["tsne_1", "tsne_2"]):
        plane = drawn[axes].to_numpy()
        groups = [plane[start : start + 50] for start in (0, 50, 100)]
        centres = np.array([group.mean(axis=0) for group in groups])
        within = max(
            np.linalg.norm(g - c, axis=1).mean() for g, c in zip(groups, centres, strict=True)
        )
        assert pdist(centres).min() > 2 * within
    assert drawn["tsne_trustworthiness"].iloc[0] > 0.9


def test_order_of_rows_and_repetition_change_nothing(three_groups):
    once = project_customers(three_groups, MODELS, view="all", seed=5)
    shuffled = three_groups.sample(frac=1, random_state=1)
    again = project_customers(shuffled, MODELS, view="all", seed=5)
    pd.testing.assert_frame_equal(once, again, check_exact=True)


def test_who_is_not_known_in_the_view_is_not_drawn(three_groups):
    frame = three_groups.assign(a=three_groups["a"].where(three_groups.index >= 20))
    drawn = project_customers(frame, MODELS, view="psychographics")
    assert set(drawn["customer_key"]) == set(three_groups["customer_key"][20:])
    assert set(drawn["view"]) == {"psychographics"}


def test_rows_fit_the_schema(three_groups):
    drawn = project_customers(three_groups, MODELS, view="all")
    assert frames.typed_table(drawn, PROJECTION_SCHEMA).num_rows == len(three_groups)


def test_view_without_a_model_is_not_drawn(three_groups):
    drawn = project_customers(three_groups, {}, view="all")
    assert frames.typed_table(drawn, PROJECTION_SCHEMA).num_rows == 0
