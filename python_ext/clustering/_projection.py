"""Customers on a plane: what a picture of the segments is drawn from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.manifold import TSNE, trustworthiness
from threadpoolctl import threadpool_limits

from python_ext.clustering._model import CUSTOMER_KEY, SegmentModel
from python_ext.frames import Schema

PERPLEXITY = 30.0  # about how many neighbours t-SNE tries to keep
NEIGHBOURS = 12  # of which trustworthiness asks whether they were neighbours before
MIN_ROWS = 10  # fewer points have no neighbourhoods to keep: no t-SNE

PROJECTION_SCHEMA = Schema(
    {
        "view": "string",
        "customer_key": "string",
        "pca_1": "double",
        "pca_2": "double",
        "tsne_1": "double",
        "tsne_2": "double",
        "pca_1_explained": "double",
        "pca_2_explained": "double",
        "pca_trustworthiness": "double",
        "tsne_trustworthiness": "double",
    },
    key=("view", "customer_key"),
)


def project_customers(
    frame: pd.DataFrame, models: Mapping[str, SegmentModel], *, view: str, seed: int = 42
) -> pd.DataFrame:
    """Two pictures of the same customers, in the coordinates in which they were segmented.

    Principal components keep distances and lose what the plane has no room for; t-SNE keeps
    neighbours and says nothing by the distance between far groups.

    Parameters
    ----------
    frame
        One row per ``customer_key`` with the feature columns; a sample, for t-SNE grows with the
        square of the rows.
    models
        By view; the preparation of its model gives the coordinates.
    view
        Which to draw; a view without a model has no rows.
    seed
        Equal seeds and rows, equal coordinates: one thread, and no axis flips between builds.

    Returns
    -------
    pandas.DataFrame
        Columns of ``PROJECTION_SCHEMA``. ``tsne_1`` and ``tsne_2`` are null for fewer than ten
        customers, trustworthiness where it is undefined.
    """
    if view not in models:
        return pd.DataFrame(columns=list(PROJECTION_SCHEMA))
    model = models[view]
    frame = frame.sort_values(CUSTOMER_KEY, kind="stable").reset_index(drop=True)
    frame = frame[model.known(frame)].reset_index(drop=True)
    with threadpool_limits(1):
        points = model.preparation.transform(frame)
        plane, explained = principal_plane(points)
        neighbours = embed_neighbours(points, plane, seed=seed)
        trust = [_trust(points, picture) for picture in (plane, neighbours)]
    return pd.DataFrame(
        {
            "view": view,
            "customer_key": frame[CUSTOMER_KEY].to_numpy(),
            "pca_1": plane[:, 0],
            "pca_2": plane[:, 1],
            "tsne_1": neighbours[:, 0],
            "tsne_2": neighbours[:, 1],
            "pca_1_explained": explained[0],
            "pca_2_explained": explained[1],
            "pca_trustworthiness": trust[0],
            "tsne_trustworthiness": trust[1],
        }
    )[list(PROJECTION_SCHEMA)]


def principal_plane(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First two principal components, and the share of the variance each explains.

    The sign of a component is arbitrary; here its largest loading is positive.

    Parameters
    ----------
    points
        Shape (rows, width).

    Returns
    -------
    tuple of numpy.ndarray
        Coordinates, shape (rows, 2), a column of zeros where there is no such component; shares,
        shape (2,).
    """
    plane, explained = np.zeros((len(points), 2)), np.zeros(2)
    if not points.size:
        return plane, explained
    centred = points - points.mean(axis=0)
    _, spread, axes = np.linalg.svd(centred, full_matrices=False)
    total = float((spread**2).sum())
    if total <= 1e-12:
        return plane, explained
    for position in range(min(2, len(axes))):
        axis = axes[position]
        # A tie between two loadings must not be broken by the last bit.
        largest = int(np.argmax(np.abs(axis).round(9)))
        plane[:, position] = centred @ axis * (1.0 if axis[largest] >= 0 else -1.0)
        explained[position] = spread[position] ** 2 / total
    return plane, explained


def embed_neighbours(points: np.ndarray, plane: np.ndarray, *, seed: int) -> np.ndarray:
    """t-SNE (van der Maaten and Hinton, 2008) that starts from the principal plane.

    The start fixes where groups come to lie (Kobak and Berens, 2019) and the signs of the axes.

    Returns
    -------
    numpy.ndarray
        Shape (rows, 2); NaN for fewer than ten rows.
    """
    if len(points) < MIN_ROWS:
        return np.full((len(points), 2), np.nan)
    spread = float(plane[:, 0].std())
    if spread <= 1e-9:
        return np.zeros((len(points), 2))
    embedding = TSNE(
        n_components=2,
        perplexity=min(PERPLEXITY, (len(points) - 1) / 3),
        init=(plane / spread * 1e-4).astype(np.float32),
        random_state=seed,
        n_jobs=1,
    )
    return embedding.fit_transform(points.astype(np.float32)).astype(float)


def _trust(points: np.ndarray, picture: np.ndarray) -> float:
    """Share of the neighbours in the picture that are true ones (Venna and Kaski, 2001)."""
    neighbours = min(NEIGHBOURS, (len(points) - 1) // 2)
    if len(points) < MIN_ROWS or np.isnan(picture).any():
        return float("nan")
    return float(trustworthiness(points, picture, n_neighbors=neighbours))
