"""Segments divided into sub- and micro-segments by Ward trees, and the dendrogram of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_limits

from python_ext.clustering import _indices
from python_ext.clustering._dendrogram import Node, join, lay_out
from python_ext.clustering._nesting import MICRO, SUB, Nesting
from python_ext.clustering._replication import find_lasting_split
from python_ext.clustering._splits import SAMPLE_ROWS, Split

BRANCHES = 4  # most branches drawn below a micro-segment


def nest(
    points: np.ndarray,
    labels: np.ndarray,
    *,
    seed: int = 42,
    min_rows: int = 30,
    min_share: float = 0.01,
    k_anonymity: int = 10,
    most_groups: int = 5,
    min_stability: float = 0.60,
    min_agreement: float = 0.75,
    k: int | None = None,
) -> Nesting:
    """Divide segments into sub-segments and those into micro-segments, by ``find_lasting_split``.

    Parameters
    ----------
    points
        Shape (rows, width), prepared coordinates.
    labels
        Segment index 0…k−1 of each row.
    seed
        Of samples, references and resamples.
    min_rows, min_share
        Least customers of a sub- or micro-segment, as a number and as a share of all rows; a
        segment smaller than that stays as it is.
    k_anonymity
        No group smaller than this, whatever else is set.
    most_groups
        Most parts of one group.
    min_stability
        Least bootstrap Jaccard index of each part.
    min_agreement
        Least adjusted Rand index, on average, of a division with those of random halves.
    k
        Number of segments, where the last ones may be empty.

    Returns
    -------
    Nesting
        Ids counted from 1, the groups of the largest segment first, the larger part first.
    """
    points, labels = np.asarray(points, dtype=float), np.asarray(labels, dtype=np.int64)
    k = int(labels.max(initial=-1)) + 1 if k is None else k
    least = max(min_rows, k_anonymity, int(np.ceil(min_share * len(points))))
    rules = {
        "least_rows": least,
        "most_groups": most_groups,
        "min_stability": min_stability,
        "min_agreement": min_agreement,
    }
    # One thread: the order of a parallel sum is not fixed, and two builds must agree.
    with threadpool_limits(1):
        subs = _divide(points, labels, k, seed=seed, **rules)
        micros = _divide(
            points, subs.labels, len(subs.parents), seed=seed + 1, whole=_known_whole(subs), **rules
        )
        tree = _tree(points, labels, k, subs, micros, least, seed=seed)
    sizes = np.bincount(labels, minlength=k)
    sub_ids = _numbered(subs, sizes, range(k))
    micro_ids = _numbered(micros, np.bincount(subs.labels, minlength=len(sub_ids)), sub_ids)
    return Nesting(
        subs.centroids,
        micros.centroids,
        subs.parents,
        micros.parents,
        sub_ids,
        micro_ids,
        subs.splits,
        micros.splits,
        tuple(tree),
        len(points),
    )


@dataclass(frozen=True)
class _Level:
    """Groups of one level: label of each row, parent and centroid of each group."""

    labels: np.ndarray
    parents: tuple[int, ...]
    centroids: np.ndarray
    splits: tuple[Split, ...]


def _known_whole(level: _Level) -> dict[int, Split]:
    """Parts of parents that were not divided: they are the same customers, not tried again."""
    return {
        part: level.splits[parent]
        for part, parent in enumerate(level.parents)
        if level.splits[parent].groups == 1
    }


def _divide(
    points: np.ndarray,
    parents: np.ndarray,
    count: int,
    *,
    seed: int,
    whole: Mapping[int, Split] | None = None,
    **rules: float,
) -> _Level:
    """Try every group of a level; number the parts by size within their parent."""
    labels = np.zeros(len(points), dtype=np.int64)
    of, centroids, splits = [], [], []
    for parent in range(count):
        rows = np.flatnonzero(parents == parent)
        inside = points[rows]
        if whole and parent in whole:
            found, split = np.zeros(len(rows), dtype=np.int64), whole[parent]
        else:
            found, split = find_lasting_split(inside, seed=seed, **rules)
        sizes = np.bincount(found, minlength=split.groups)
        order = np.argsort(-sizes, kind="stable")
        found = np.argsort(order)[found]
        if split.groups > 1:
            split = replace(split, stability=tuple(split.stability[part] for part in order))
        labels[rows] = len(of) + found
        for part in range(split.groups):
            members = inside[found == part]
            centroids.append(members.mean(axis=0) if len(members) else np.zeros(points.shape[1]))
        of += [parent] * split.groups
        splits.append(split)
    return _Level(
        labels, tuple(of), np.array(centroids).reshape(len(of), points.shape[1]), tuple(splits)
    )


def _numbered(
    level: _Level, parent_sizes: np.ndarray, parent_order: Sequence[int]
) -> tuple[int, ...]:
    """Ids from 1: largest parent first, then the larger part."""
    sizes = np.bincount(level.labels, minlength=len(level.parents))
    order = sorted(
        range(len(level.parents)),
        key=lambda i: (
            -parent_sizes[level.parents[i]],
            parent_order[level.parents[i]],
            -sizes[i],
            i,
        ),
    )
    return tuple(int(i) for i in np.argsort(order) + 1)


def _tree(
    points: np.ndarray,
    labels: np.ndarray,
    k: int,
    subs: _Level,
    micros: _Level,
    least: int,
    *,
    seed: int,
) -> list[dict[str, Any]]:
    """Nodes of the dendrogram, with the indices of the groups they stand for."""
    total = max(len(points), 1)

    def group(level: str, rows: np.ndarray, index: dict[str, int], **said: Any) -> Node:
        centre = points[rows].mean(axis=0) if len(rows) else np.zeros(points.shape[1])
        return Node(level, centre, len(rows), index=index, **said)

    segments = []
    for segment in range(k):
        parts = []
        of_segment = [i for i, parent in enumerate(subs.parents) if parent == segment]
        for sub in of_segment:
            leaves = []
            of_sub = [i for i, parent in enumerate(micros.parents) if parent == sub]
            for micro in of_sub:
                index = {"segment": segment, SUB: sub, MICRO: micro}
                rows = np.flatnonzero(micros.labels == micro)
                node = group(MICRO, rows, index, is_cut=len(of_sub) > 1)
                branches = _branches_below(points[rows], least, seed=seed)
                if branches.max(initial=0) > 0:
                    below = [
                        group("branch", rows[branches == b], index)
                        for b in range(branches.max() + 1)
                    ]
                    join(below, node, total=total)
                leaves.append(node)
            rows = np.flatnonzero(subs.labels == sub)
            node = group(
                SUB,
                rows,
                {"segment": segment, SUB: sub},
                is_cut=len(of_segment) > 1,
                reason=micros.splits[sub].reason,
            )
            parts.append(join(leaves, node, total=total))
        rows = np.flatnonzero(labels == segment)
        node = group(
            "segment",
            rows,
            {"segment": segment},
            is_cut=k > 1,
            reason=subs.splits[segment].reason,
        )
        segments.append(join(parts, node, total=total))
    root = group("all", np.arange(len(points)), {}, reason=f"{k} segments were chosen")
    return lay_out(join(segments, root, total=total)) if segments else []


def _branches_below(points: np.ndarray, least: int, *, seed: int) -> np.ndarray:
    """Up to ``BRANCHES`` branches of a group's Ward tree, none under the least size."""
    whole = np.zeros(len(points), dtype=np.int64)
    if len(points) < 2 * least:
        return whole
    drawn = _indices.draw_rows(len(points), SAMPLE_ROWS, seed=seed)
    tree = linkage(points[drawn], "ward")
    for count in range(BRANCHES, 1, -1):
        parts = fcluster(tree, count, "maxclust") - 1
        centres = np.array([points[drawn][parts == b].mean(axis=0) for b in np.unique(parts)])
        nearest = cdist(points, centres, "sqeuclidean").argmin(axis=1)
        if len(centres) > 1 and np.bincount(nearest, minlength=len(centres)).min() >= least:
            return nearest
    return whole
