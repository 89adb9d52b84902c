"""How many segments there are, by a written rule over several indices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from python_ext.clustering import _indices
from python_ext.clustering._candidates import FIGURES, MODELS_SCHEMA, OF_THE_RUN, Choice
from python_ext.clustering._model import CUSTOMER_KEY, RFM_COLUMN, SegmentModel
from python_ext.clustering._preparation import ViewPreparation
from python_ext.clustering._views import View

MIN_ROWS = 50  # fewer customers are not segmented
ROWS_PER_CLUSTER = 10
INDEX_ROWS = 1500  # indices that cost n² or many fits see a sample
REFERENCE_ROWS = 750
UNSTABLE, STABLE = 0.60, 0.75  # Hennig (2007)
TOLERANCE = 0.01  # of an index, about the noise of its reference; within it simpler is better

ALGORITHMS = ("kmeans", "ward", "average", "gmm", "dbscan", "hdbscan")


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
    choose_rows: int = 4000,
    outlier: float = 3.5,
    worth: str = "monetary",
) -> Choice:
    """Fit k-means for each number of segments, judge all, choose one.

    The rule. A candidate k ≥ 2 is *admissible* if its smallest segment holds at least
    ``min_segment_share`` of the customers, each segment recurs in bootstrap samples with a mean
    Jaccard index of at least 0.60, and its gap statistic lies above that of one segment by more
    than two standard errors. Among the admissible, six indices vote: silhouette,
    Calinski-Harabasz, Davies-Bouldin, gap, elbow and stability. The first three favour few
    clusters on any data, so each is first compared with its mean on structureless reference data
    of the same spread (the uniform box of the gap statistic). They and the gap vote for the
    simplest candidate within 1 % of their best, the elbow for the knee, stability for the
    largest number of segments that all recur with a Jaccard index of 0.75 or more. Most votes
    win, ties go to fewer segments. Without an admissible candidate everyone is one segment.

    Parameters
    ----------
    frame
        One row per ``customer_key`` with the feature columns.
    view
        The features and how they are prepared.
    max_k
        Largest number of segments tried.
    min_segment_share
        Smallest share of customers a segment may hold, 0–1.
    fixed_k
        Take this number of segments whatever the rule says; the figures are given all the same.
    outlier
        Robust deviations beyond which a customer counts as an outlier of its segment.
    worth
        Column by whose mean segments are numbered, largest first.
    is_main
        Whether this is the main view: it tries more, and falls back to the RFM segments (column
        ``rfm_segment_id``) where nothing is found; any other view falls back to one segment.
    choose_rows
        Most customers the candidates are judged on; the chosen one is refined on all.

    Returns
    -------
    Choice
    """
    frame = frame.sort_values(CUSTOMER_KEY, kind="stable").reset_index(drop=True)
    preparation = ViewPreparation.fit(frame, view, seed=seed)
    if preparation.features:
        frame = frame[preparation.known(frame)].reset_index(drop=True)
    points, far = preparation.transform_both(frame)
    value = _worth(frame, worth)
    # One thread: the order of a parallel sum is not fixed, and two builds must agree.
    with threadpool_limits(1):
        sample = _indices.draw_rows(len(points), INDEX_ROWS, seed=seed)
        ks = list(range(1, _most_clusters(points, sample, max_k=max(max_k, fixed_k or 1)) + 1))
        distances = _indices.distances_between(points[sample])
        candidates: dict[int, SegmentModel] = {}
        figures: list[dict[str, float]] = []
        for k in ks:
            labels = _labels(points, k, seed=seed)
            candidates[k] = SegmentModel.fit(
                preparation,
                points,
                labels,
                view=view.name,
                algorithm="kmeans",
                far=far,
                worth=value,
                outlier=outlier,
            )
            stability = np.ones(1)
            if k > 1:
                stability = _indices.bootstrap_jaccard(points[sample], labels[sample], k, seed=seed)
            figures.append(
                {
                    "k": k,
                    "inertia": _inertia(points, labels, k),
                    **_indices.separation(points, labels, sample=sample, distances=distances),
                    "stability_mean": float(stability.mean()),
                    "stability_min": float(stability.min()),
                    "smallest_share": float(candidates[k].shares.min()),
                }
            )
        reference = _indices.compare_with_reference(
            points[sample], ks, silhouette_rows=REFERENCE_ROWS, seed=seed
        )
    table = pd.concat([pd.DataFrame(figures), pd.DataFrame(reference)], axis=1)
    table["elbow"] = _indices.elbow(table["inertia"].to_numpy())
    nothing = _why_nothing(frame, preparation)
    table = _decide(table, min_segment_share=min_segment_share, fixed_k=fixed_k, nothing=nothing)
    chosen = candidates[int(table.loc[table["is_chosen"], "k"].iloc[0])]
    names = [f"kmeans_{k}" for k in ks]
    algorithms = ["kmeans"] * len(ks)
    if is_main and chosen.k == 1 and RFM_COLUMN in frame.columns and fixed_k is None:
        chosen = SegmentModel.of_rfm(
            preparation, points, frame[RFM_COLUMN], view=view.name, far=far, outlier=outlier
        )
        names[0], algorithms[0] = "rfm_11", "rfm"
    absent = [name for name in (*FIGURES, "given_up") if name not in table.columns]
    table = table.assign(
        view=view.name,
        candidate=names,
        algorithm=algorithms,
        judged_rows=len(frame),
        fitted_rows=len(frame),
        **dict.fromkeys(absent),
    )
    return Choice(table[[c for c in MODELS_SCHEMA if c not in OF_THE_RUN]], chosen)


def _worth(frame: pd.DataFrame, column: str) -> np.ndarray:
    if column not in frame.columns:
        return np.zeros(len(frame))
    values = frame[column].to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isfinite(values), values, 0.0)


def _most_clusters(points: np.ndarray, sample: np.ndarray, *, max_k: int) -> int:
    if len(points) < MIN_ROWS or not points.shape[1]:
        return 1
    distinct = len(np.unique(points[sample].round(9), axis=0))
    return max(1, min(max_k, len(points) // ROWS_PER_CLUSTER, distinct - 1))


def _why_nothing(frame: pd.DataFrame, preparation: ViewPreparation) -> str | None:
    """Why there is nothing to segment, where there is nothing."""
    if len(frame) < MIN_ROWS:
        return f"{len(frame)} customers, at least {MIN_ROWS} are needed"
    if not preparation.features:
        dropped = "; ".join(f"{name}: {why}" for name, why in preparation.dropped.items())
        return f"no feature tells customers apart ({dropped or 'none is given'})"
    return None


def _labels(points: np.ndarray, k: int, *, seed: int) -> np.ndarray:
    return (
        np.zeros(len(points), int) if k == 1 else _indices.fit_kmeans(points, k, seed=seed).labels_
    )


def _inertia(points: np.ndarray, labels: np.ndarray, k: int) -> float:
    """Within-cluster sum of squares."""
    if not points.size:
        return 0.0
    means = np.array([points[labels == cluster].mean(axis=0) for cluster in range(k)])
    return float(((points - means[labels]) ** 2).sum())


def _objections(row: pd.Series, one: pd.Series, *, min_segment_share: float) -> list[str]:
    said = []
    if row["smallest_share"] < min_segment_share:
        said.append(
            f"the smallest segment holds {row['smallest_share']:.1%} of customers, "
            f"at least {min_segment_share:.1%} are asked"
        )
    if row["stability_min"] < UNSTABLE:
        said.append(
            f"the least stable segment recurs with a Jaccard index of {row['stability_min']:.2f}, "
            f"at least {UNSTABLE:.2f} is asked"
        )
    if not row["gap"] - 2 * row["gap_se"] > one["gap"]:
        said.append(
            f"the gap of {row['gap']:.3f} is not above the {one['gap']:.3f} of one segment by two "
            f"standard errors of {row['gap_se']:.3f}: no clearer than structureless data"
        )
    return said


def _votes(admissible: pd.DataFrame, gap_of_one: float) -> dict[str, int]:
    """Index → the number of segments it votes for."""
    excess = {
        "silhouette": admissible["silhouette_excess"],
        "Calinski-Harabasz": admissible["calinski_harabasz_excess"],
        "Davies-Bouldin": admissible["davies_bouldin_excess"],
        "gap": admissible["gap"] - gap_of_one,
    }
    votes = {}
    for name, value in excess.items():
        enough = value >= value.max() - TOLERANCE * abs(value.max())
        votes[name] = int(admissible.loc[enough, "k"].min())
    votes["elbow"] = int(admissible.loc[admissible["elbow"].idxmax(), "k"])
    stable = admissible[admissible["stability_min"] >= STABLE]
    if len(stable):
        votes["stability"] = int(stable["k"].max())
    return votes


def _decide(
    table: pd.DataFrame, *, min_segment_share: float, fixed_k: int | None, nothing: str | None
) -> pd.DataFrame:
    """Add votes, is_admissible, is_chosen and reason to the table of candidates."""
    one = table.iloc[0]
    ks = [int(k) for k in table["k"]]
    objections = {
        k: _objections(row, one, min_segment_share=min_segment_share)
        for k, (_, row) in zip(ks, table.iterrows(), strict=True)
        if k > 1
    }
    admissible = table[[k > 1 and not objections[k] for k in ks]]
    voters = _votes(admissible, one["gap"]) if len(admissible) else {}
    count = {k: sum(vote == k for vote in voters.values()) for k in ks}
    allowed = {int(k) for k in admissible["k"]} or {1}
    by_rule = min(allowed, key=lambda k: (-count[k], k))
    chosen = fixed_k if fixed_k in ks else by_rule
    reasons = {k: _reason(k, by_rule, objections, voters, count, nothing) for k in ks}
    if fixed_k is not None:
        asked = "" if chosen == fixed_k else f", {fixed_k} was asked, which these data do not allow"
        reasons[chosen] = (
            f"fixed by the analyst{asked}; the rule chooses {by_rule}. {reasons[chosen]}"
        )
    return table.assign(
        votes=[count[k] for k in ks],
        is_admissible=[k in allowed for k in ks],
        is_chosen=[k == chosen for k in ks],
        reason=[reasons[k] for k in ks],
    )


def _reason(
    k: int,
    by_rule: int,
    objections: dict[int, list[str]],
    voters: dict[str, int],
    count: dict[int, int],
    nothing: str | None,
) -> str:
    """Why a candidate was chosen or not, in words."""
    if k == 1 and by_rule > 1:
        return "not needed: an admissible number of segments exists"
    if k == 1:
        return "everyone is one segment: " + (
            nothing
            or "no number of segments is large enough, stable and clearer than structureless data"
        )
    if objections[k]:
        return "rejected: " + "; ".join(objections[k])
    names = ", ".join(name for name, vote in voters.items() if vote == k)
    said = f"{count[k]} of {len(voters)} votes" + (f" ({names})" if names else "")
    if k != by_rule:
        return f"admissible, {said}"
    tie = sum(votes == count[k] for votes in count.values()) > 1
    return f"chosen by {said}" + ("; the simplest of a tie" if tie else "")
