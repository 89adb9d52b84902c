"""Segments → sub-segments → micro-segments: strictly nested, assigned fast, drawn as a tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

from python_ext.clustering._splits import Split
from python_ext.errors import SegmentationError

SUB, MICRO = "sub_segment", "micro_segment"
NODE_COLUMNS = (
    "node_id",
    "parent_node_id",
    "level",
    "segment_id",
    "sub_segment_id",
    "micro_segment_id",
    "height",
    "customers",
    "x",
    "y",
    "is_cut",
    "reason",
)


@dataclass(frozen=True)
class Nesting:
    """The two levels below the segments, and the tree they were cut from.

    A sub-segment is addressed by its *index* 0…s−1 and a micro-segment by 0…m−1; ids are labels
    on them that may be replaced. A segment that was not divided has one sub-segment, a
    sub-segment that was not divided one micro-segment, so that every customer has all three.

    Attributes
    ----------
    sub_centroids, micro_centroids
        Shapes (s, width) and (m, width), prepared coordinates.
    sub_segments
        Segment index 0…k−1 of each sub-segment.
    micro_subs
        Sub-segment index of each micro-segment.
    sub_ids, micro_ids
        Public ids, unique within their level.
    segment_splits, sub_splits
        For each segment, for each sub-segment: whether and why it was divided.
    tree
        Nodes of the dendrogram with indices in place of ids; see ``nodes``.
    fitted_rows
        Customers it was fitted on.
    """

    sub_centroids: np.ndarray
    micro_centroids: np.ndarray
    sub_segments: tuple[int, ...]
    micro_subs: tuple[int, ...]
    sub_ids: tuple[int, ...]
    micro_ids: tuple[int, ...]
    segment_splits: tuple[Split, ...]
    sub_splits: tuple[Split, ...]
    tree: tuple[dict[str, Any], ...]
    fitted_rows: int

    @property
    def k(self) -> int:
        """Number of segments."""
        return len(self.segment_splits)

    @property
    def micro_segments(self) -> tuple[int, ...]:
        """Segment index of each micro-segment."""
        return tuple(self.sub_segments[sub] for sub in self.micro_subs)

    def indices(self, points: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Index of sub- and micro-segment of each row.

        Within its segment a row belongs to the sub-segment with the nearest centroid, within that
        to the micro-segment with the nearest centroid: nested, whatever the coordinates.

        Parameters
        ----------
        points
            Shape (rows, width), prepared coordinates.
        labels
            Segment index 0…k−1 of each row.

        Raises
        ------
        SegmentationError
            If a label names no segment or the coordinates have another width.
        """
        points, labels = np.asarray(points, dtype=float), np.asarray(labels, dtype=np.int64)
        width = self.sub_centroids.shape[1]
        if points.ndim != 2 or points.shape[1] != width or len(points) != len(labels):
            raise SegmentationError(
                f"the nesting was fitted on {width} coordinates per customer, these points have "
                f"the shape {points.shape} for {len(labels)} labels. Prepare them by the "
                "preparation of the same model."
            )
        if len(labels) and not (labels.min() >= 0 and labels.max() < self.k):
            raise SegmentationError(
                f"segment index {labels.min()} to {labels.max()} with {self.k} segments: pass the "
                "labels of the same model, which count from 0"
            )
        subs = _nearest_child(points, labels, self.sub_centroids, self.sub_segments, self.k)
        return subs, _nearest_child(
            points, subs, self.micro_centroids, self.micro_subs, len(self.sub_segments)
        )

    def assign(self, points: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ids of sub- and micro-segment of each row, two int64 arrays; see ``indices``."""
        subs, micros = self.indices(points, labels)
        return (
            np.array(self.sub_ids, dtype=np.int64)[subs],
            np.array(self.micro_ids, dtype=np.int64)[micros],
        )

    def replace_ids(
        self,
        sub_ids: Sequence[int] | Mapping[int, int],
        micro_ids: Sequence[int] | Mapping[int, int],
    ) -> Nesting:
        """The same groups under other ids.

        Parameters
        ----------
        sub_ids, micro_ids
            One new id per index, or a mapping from each present id to its new one.

        Raises
        ------
        SegmentationError
            If ids repeat, are not positive, or are too few or too many.
        """
        return replace(
            self,
            sub_ids=_checked_ids(SUB, self.sub_ids, sub_ids),
            micro_ids=_checked_ids(MICRO, self.micro_ids, micro_ids),
        )

    def stability(self) -> pd.DataFrame:
        """Bootstrap Jaccard index of each group among its siblings, when it was fitted.

        Returns
        -------
        pandas.DataFrame
            level, index, id, stability; NaN for the only child of an undivided group.
        """
        parts = []
        for level, parents, ids, splits in (
            (SUB, self.sub_segments, self.sub_ids, self.segment_splits),
            (MICRO, self.micro_subs, self.micro_ids, self.sub_splits),
        ):
            order = [list(parents[:i]).count(parent) for i, parent in enumerate(parents)]
            values = [
                splits[parent].stability[place] if splits[parent].groups > 1 else np.nan
                for parent, place in zip(parents, order, strict=True)
            ]
            parts.append(
                pd.DataFrame(
                    {"level": level, "index": range(len(ids)), "id": ids, "stability": values}
                )
            )
        return pd.concat(parts, ignore_index=True)

    def nodes(self, segment_ids: Sequence[int] | None = None) -> pd.DataFrame:
        """The dendrogram, one row per node from the top down.

        Level ``all`` is the root. ``segment``, ``sub_segment`` and ``micro_segment`` are the
        groups, each exactly once: an undivided segment is followed by its only sub-segment at
        the same height. ``branch`` is a merge that is no group: above the segments, between a
        group and its parts, and below the micro-segments, at most ``BRANCHES`` ends each.

        Parameters
        ----------
        segment_ids
            Public id of each segment index; index + 1 if not given.

        Returns
        -------
        pandas.DataFrame
            Columns ``NODE_COLUMNS``. ``height`` never falls towards the root; ``x`` and ``y`` as
            in ``_dendrogram.lay_out``; ``customers`` are those of the fit; ``is_cut``: whether
            the line above the node is cut, so that it is a group beside others; ``reason``: why
            the group of the node was divided or not. An id is null where the node stands above
            groups of several ids.
        """
        ids = {
            "segment": list(segment_ids) if segment_ids is not None else range(1, self.k + 1),
            SUB: self.sub_ids,
            MICRO: self.micro_ids,
        }
        if len(ids["segment"]) != self.k:
            raise SegmentationError(
                f"{len(ids['segment'])} segment ids for {self.k} segments: pass the ids of the "
                "same model"
            )
        rows = []
        for node in self.tree:
            named = {
                f"{level}_id": of[node["index"][level]] if level in node["index"] else None
                for level, of in ids.items()
            }
            rows.append({**{k: v for k, v in node.items() if k != "index"}, **named})
        frame = pd.DataFrame(rows, columns=list(NODE_COLUMNS))
        whole = ["parent_node_id", "segment_id", "sub_segment_id", "micro_segment_id"]
        return frame.astype(dict.fromkeys(whole, "Int64"))

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, for JSON."""
        stored = asdict(self)
        stored["sub_centroids"] = self.sub_centroids.tolist()
        stored["micro_centroids"] = self.micro_centroids.tolist()
        return {name: _plain(value) for name, value in stored.items()}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Nesting:
        """The inverse of ``to_dict``."""
        width = len(stored["sub_centroids"][0]) if stored["sub_centroids"] else 0

        def splits(rows: Sequence[Mapping[str, Any]]) -> tuple[Split, ...]:
            return tuple(Split(**{**row, "stability": tuple(row["stability"])}) for row in rows)

        return cls(
            np.array(stored["sub_centroids"], dtype=float).reshape(-1, width),
            np.array(stored["micro_centroids"], dtype=float).reshape(-1, width),
            *(tuple(map(int, stored[n])) for n in ("sub_segments", "micro_subs")),
            *(tuple(map(int, stored[n])) for n in ("sub_ids", "micro_ids")),
            splits(stored["segment_splits"]),
            splits(stored["sub_splits"]),
            tuple(dict(node) for node in stored["tree"]),
            int(stored["fitted_rows"]),
        )


def _nearest_child(
    points: np.ndarray,
    labels: np.ndarray,
    centroids: np.ndarray,
    parents: Sequence[int],
    count: int,
) -> np.ndarray:
    """Index of the nearest of the children of each row's group."""
    of = np.array(parents, dtype=np.int64)
    children = [np.flatnonzero(of == parent) for parent in range(count)]
    result = np.array([c[0] for c in children] or [0], dtype=np.int64)[labels]
    for parent, candidates in enumerate(children):
        if len(candidates) > 1:
            rows = np.flatnonzero(labels == parent)
            distance = cdist(points[rows], centroids[candidates], "sqeuclidean")
            result[rows] = candidates[distance.argmin(axis=1)]
    return result


def _checked_ids(
    level: str, present: tuple[int, ...], wanted: Sequence[int] | Mapping[int, int]
) -> tuple[int, ...]:
    if isinstance(wanted, Mapping):
        wanted = [wanted.get(number, number) for number in present]
    ids = tuple(int(number) for number in wanted)
    if len(ids) != len(present) or len(set(ids)) != len(ids) or min(ids, default=1) < 1:
        raise SegmentationError(
            f"{len(present)} {level}s were given the ids {ids}: pass one positive id for each, "
            "none twice"
        )
    return ids


def _plain(value: Any) -> Any:
    """Tuples as lists, so that a value equals itself after a round trip through JSON."""
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return value
