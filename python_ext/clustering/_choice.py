"""How many segments there are and by which algorithm: fits, figures, and the rule's verdict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_limits

from python_ext.clustering import _algorithms, _indices
from python_ext.clustering._algorithms import Partition
from python_ext.clustering._candidates import MODELS_SCHEMA, OF_THE_RUN, Choice
from python_ext.clustering._model import CUSTOMER_KEY, SegmentModel
from python_ext.clustering._preparation import ViewPreparation
from python_ext.clustering._rfm import RFM, RFM_COLUMN
from python_ext.clustering._trial import ALGORITHMS, Trial
from python_ext.clustering._views import View
from python_ext.errors import SegmentationError

MIN_ROWS = 50  # fewer customers are not segmented
ROWS_PER_CLUSTER = 10
REFINED_ROWS = 20_000  # a mixture is refined on at most so many


def choose_segments(
    frame: pd.DataFrame,
    view: View,
    *,
    seed: int = 42,
    algorithms: Sequence[str] = ALGORITHMS,
    max_k: int = 12,
    min_segment_share: float = 0.02,
    fixed_k: int | None = None,
    fixed_algorithm: str | None = None,
    is_main: bool = True,
    choose_rows: int = 2000,
    outlier: float = 3.5,
    worth: str = "monetary",
) -> Choice:
    """Cluster by each algorithm for each number of segments, judge all, choose one, refine it.

    The rule has two steps. *First the number, inside each algorithm.* A candidate k ≥ 2 is
    admissible if its smallest segment holds at least ``min_segment_share`` of the customers, each
    segment recurs in bootstrap samples with a mean Jaccard index of at least 0.60, and its gap
    statistic lies above that of one segment by more than two standard errors, and it spares at
    least 5 % of the links (below) that k-means cuts on structureless data. Among the
    admissible of k-means, Ward and average linkage six indices vote: silhouette,
    Calinski-Harabasz, Davies-Bouldin, gap, elbow and stability. The first three favour few
    clusters on any data, so each is first compared with its mean on structureless reference data
    of the same spread. They and the gap vote for the simplest candidate within 1 % of their best,
    the elbow for the knee, stability for the largest number of segments that all recur with a
    Jaccard index of 0.75 or more. Most votes win, ties go to fewer segments. Mixtures are chosen
    by BIC (the simplest within 10 of the lowest), and their gap is the gain in BIC per customer
    over one component, above the gain on structureless data, and at least 0.1. Density algorithms
    find their number themselves; at most 30 % of the customers may be noise.

    The best of an algorithm must hold against uniform data in the box of the coordinates too.

    *Then the algorithm, among the best of each*: by how many of the links between nearest
    neighbours, which k-means cuts on structureless data with as many segments, the segments spare.
    That figure asks for no shape. The simplest algorithm within 0.20 of the best wins, k-means
    being the simplest; one whose least stable segment falls more than 0.10 short of the simplest
    algorithm's is not in the contest.

    Without an admissible candidate there is no stable segmentation: the main view falls back to
    the RFM segments, any other view to a single segment.

    Parameters
    ----------
    frame
        One row per ``customer_key`` with the feature columns; for the main view also
        ``rfm_segment_id``, without which it too falls back to one segment.
    view
        The features and how they are prepared.
    algorithms
        Those tried, out of ``ALGORITHMS``.
    max_k
        Largest number of segments tried.
    min_segment_share
        Smallest share of customers a segment may hold, 0–1.
    fixed_k, fixed_algorithm
        In the main view take this number of segments or this algorithm whatever the rule says;
        ``given_up`` then says what that costs.
    is_main
        Whether this is the main view. Outside it other algorithms than k-means are tried near
        k-means' number only, and neither average linkage nor density.
    choose_rows
        Customers the candidates are judged on, those with the smallest hash of their key. The
        chosen candidate is refined on all rows given, starting from there.
    outlier
        Robust deviations beyond which a customer counts as an outlier of its segment.
    worth
        Column by whose mean segments are numbered, largest first.

    Raises
    ------
    SegmentationError
        If an algorithm is not known.
    """
    if not is_main:
        fixed_k = fixed_algorithm = None
    _refuse_unknown([*algorithms, *([fixed_algorithm] if fixed_algorithm else [])])
    frame = frame.sort_values(CUSTOMER_KEY, kind="stable").reset_index(drop=True)
    preparation = ViewPreparation.fit(frame, view, seed=seed)
    if preparation.features:
        frame = frame[preparation.known(frame)].reset_index(drop=True)
    points, far = preparation.transform_both(frame)
    sample = hash_sample(frame[CUSTOMER_KEY], choose_rows)
    # One thread: the order of a parallel sum is not fixed, and two builds must agree.
    with threadpool_limits(1):
        trial = Trial(points[sample], seed=seed, min_segment_share=min_segment_share)
        most = _most_segments(trial.points, max_k=max(max_k, fixed_k or 1))
        asked = [name for name in ALGORITHMS if name in (*algorithms, fixed_algorithm)]
        trial.run_all(asked, most, thorough=is_main, also=fixed_k)
        verdict = trial.decide(fixed_k=fixed_k, fixed_algorithm=fixed_algorithm)
        falls_back = verdict.chosen == "kmeans_1" and is_main and RFM_COLUMN in frame.columns
        if falls_back:
            ids = frame[RFM_COLUMN].to_numpy()
            model = SegmentModel.of_rfm(
                preparation, points, ids, view=view.name, far=far, outlier=outlier
            )
            trial.add(RFM, {model.k: Partition(ids[sample].astype(int) - min(model.ids))})
        else:
            algorithm, partition = trial.partitions[verdict.chosen]
            labels, assigner = refine(partition, algorithm, trial.points, points, seed=seed)
            model = SegmentModel.fit(
                preparation,
                points,
                labels,
                view=view.name,
                algorithm=algorithm,
                far=far,
                worth=_worth(frame, worth),
                outlier=outlier,
                assigner=assigner,
            )
    nothing = _why_nothing(frame, preparation, trial)
    table = trial.describe(verdict, nothing=nothing, falls_back=falls_back).assign(
        view=view.name,
        judged_rows=len(sample),
        fitted_rows=lambda rows: np.where(rows["is_chosen"], len(frame), len(sample)),
    )
    return Choice(table[[name for name in MODELS_SCHEMA if name not in OF_THE_RUN]], model)


def hash_sample(keys: pd.Series, rows: int) -> np.ndarray:
    """Sorted positions of the ``rows`` keys with the smallest hash: mostly the same next month."""
    if len(keys) <= rows:
        return np.arange(len(keys))
    digest = pd.util.hash_array(keys.to_numpy(dtype=object), categorize=False)
    return np.sort(np.argsort(digest, kind="stable")[:rows])


def refine(
    partition: Partition,
    algorithm: str,
    sample: np.ndarray,
    points: np.ndarray,
    *,
    seed: int,
) -> tuple[np.ndarray, _algorithms.Assigner | None]:
    """Labels 0…k−1 of all points and the assigner, from a partition of a sample of them.

    k-means and mixtures run on from where they stand; the segments of a tree are those of the
    nearest centroid, those of a density algorithm those of the nearest exemplars.
    """
    if partition.k == 1 or not len(points):
        return np.zeros(len(points), int), None
    if partition.assigner is None:
        start = _means(sample, partition)
        if algorithm == "kmeans":
            return _algorithms.refine_kmeans(points, start, seed=seed).astype(int), None
        return cdist(points, start, "sqeuclidean").argmin(axis=1), None
    labels = partition.assigner.probabilities(points).argmax(axis=1)
    if algorithm != "gmm":
        return labels, partition.assigner
    part = _indices.draw_rows(len(points), REFINED_ROWS, seed=seed)
    refined = _algorithms.mixture(
        points[part],
        labels[part],
        partition.k,
        covariance_type=partition.assigner.covariance_type,
    )
    return refined.assigner.probabilities(points).argmax(axis=1), refined.assigner


def _means(points: np.ndarray, partition: Partition) -> np.ndarray:
    return np.array(
        [points[partition.labels == cluster].mean(axis=0) for cluster in range(partition.k)]
    )


def _refuse_unknown(algorithms: Sequence[str]) -> None:
    unknown = [name for name in algorithms if name not in ALGORITHMS]
    if unknown:
        raise SegmentationError(
            f"there is no algorithm {', '.join(map(repr, unknown))}. Write some of "
            f"{', '.join(ALGORITHMS)} in the vars segmentation_algorithms and fixed_algorithm."
        )


def _worth(frame: pd.DataFrame, column: str) -> np.ndarray:
    if column not in frame.columns:
        return np.zeros(len(frame))
    values = frame[column].to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isfinite(values), values, 0.0)


def _most_segments(points: np.ndarray, *, max_k: int) -> int:
    if len(points) < MIN_ROWS or not points.shape[1]:
        return 1
    distinct = len(np.unique(points.round(9), axis=0))
    return max(1, min(max_k, len(points) // ROWS_PER_CLUSTER, distinct - 1))


def _why_nothing(frame: pd.DataFrame, preparation: ViewPreparation, trial: Trial) -> str | None:
    """Why there is nothing to segment, where there is nothing."""
    if len(frame) < MIN_ROWS:
        return f"{len(frame)} customers, at least {MIN_ROWS} are needed"
    if not preparation.features:
        dropped = "; ".join(f"{name}: {why}" for name, why in preparation.dropped.items())
        return f"no feature tells customers apart ({dropped or 'none is given'})"
    return None
