"""A new model under the ids of the last one, at all three levels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from python_ext.clustering._memory import LEVELS
from python_ext.clustering._model import CUSTOMER_KEY, SegmentModel
from python_ext.clustering._rfm import RFM
from python_ext.clustering._succession import Succession, first_ids, succeed


@dataclass(frozen=True)
class Members:
    """The segments of a model that is lost, known by whom they held.

    Attributes
    ----------
    ids
        By ``customer_key``: the ids at the levels that the model had.
    """

    ids: pd.DataFrame
    is_fallback = False

    @classmethod
    def of(cls, clusters: pd.DataFrame | None, row: Mapping[str, Any] | None) -> Members | None:
        """Those of a stored run.

        Parameters
        ----------
        clusters
            ``ml_customer_clusters`` of the last build; None for nothing.
        row
            The chosen row of the run.

        Returns
        -------
        Members or None
            None where the last build assigned by another model, or the ids are fixed ones.
        """
        if clusters is None or row is None or row["algorithm"] == RFM:
            return None
        is_theirs = (clusters["view"] == row["view"]) & (clusters["model_id"] == row["model_id"])
        found = clusters[is_theirs].set_index(CUSTOMER_KEY)
        found = found[[f"{level}_id" for level in LEVELS]].set_axis(LEVELS, axis=1)
        found = found.dropna(axis=1, how="all").dropna().astype(np.int64)
        return cls(found) if len(found) else None

    def raised(self, issued: Mapping[str, int]) -> dict[str, int]:
        """Highest id ever given at each level, where these were given as well."""
        return {
            level: max(number, int(self.ids[level].max()) if level in self.ids else 0)
            for level, number in issued.items()
        }

    def known(self, frame: pd.DataFrame) -> np.ndarray:
        """Mask of the customers whom the segments held."""
        return frame[CUSTOMER_KEY].isin(self.ids.index).to_numpy()

    def groups(self) -> dict[str, _Groups]:
        """The groups of every level, by ascending id."""
        found: dict[str, _Groups] = {}
        for above, level in zip((None, *LEVELS), self.ids, strict=False):
            ids = np.unique(self.ids[level])
            parents: tuple[int, ...] = ()
            if above is not None:
                parent = self.ids.groupby(level)[above].first().loc[ids]
                parents = tuple(np.searchsorted(found[above].ids, parent))
            found[level] = _Groups(tuple(int(number) for number in ids), parents)
        return found

    def indices(self, frame: pd.DataFrame) -> dict[str, np.ndarray]:
        """Position of the group of each known customer at every level."""
        theirs = self.ids.loc[frame[CUSTOMER_KEY]]
        return {
            level: np.searchsorted(np.unique(self.ids[level]), theirs[level]) for level in self.ids
        }


@dataclass(frozen=True)
class _Groups:
    """The groups of one level.

    Attributes
    ----------
    ids
        One per group.
    above
        Position of the group each lies in, on the level above; empty for segments.
    """

    ids: tuple[int, ...]
    above: tuple[int, ...]


def continue_ids(
    model: SegmentModel,
    frame: pd.DataFrame,
    *,
    earlier: SegmentModel | Members | None,
    replaced: SegmentModel | Members | None,
    issued: Mapping[str, int],
) -> tuple[SegmentModel, list[dict[str, Any]]]:
    """Give the groups of a fitted model the ids they continue, and say what became of the others.

    Sub-segments are matched within matched segments and micro-segments within matched
    sub-segments: what has moved to another parent is another group.

    Parameters
    ----------
    model
        As fitted, under whatever ids.
    frame
        Today's customers.
    earlier
        The model kept before, or its members where it is lost; None if there is none.
    replaced
        The model of a run of the same date, which this one takes the place of: groups that are
        new against ``earlier`` but the same as there keep the ids they got there. So fitting
        again changes nothing.
    issued
        Highest id ever given at each level.

    Returns
    -------
    tuple
        The model, and the events as plain values. Segments by RFM have fixed ids and no history.
    """
    if model.is_fallback:
        return model.replace_ids(model.ids, dict(issued)), []
    for old in (earlier, replaced):
        if isinstance(old, Members):
            issued = old.raised(issued)
    groups = _groups_of(model)
    spare: dict[str, Succession] = {}
    if replaced is not None and not replaced.is_fallback:
        spare = _chain(model, groups, frame, replaced, issued, {})
    old = None if earlier is None or earlier.is_fallback else earlier
    found = _chain(model, groups, frame, old, issued, spare)
    numbers = {level: found[level].issued if level in found else issued[level] for level in LEVELS}
    if "sub_segment" in found:
        ids = (found[level].ids for level in LEVELS[1:])
        model = model.with_nesting(model.nesting.replace_ids(*ids))
    model = model.replace_ids(found["segment"].ids, numbers)
    return model, [asdict(event) for level in found.values() for event in level.events]


def _groups_of(model: SegmentModel) -> dict[str, _Groups]:
    segments = {"segment": _Groups(tuple(model.ids), ())}
    if model.nesting is None:
        return segments
    nesting = model.nesting
    return {
        **segments,
        "sub_segment": _Groups(tuple(nesting.sub_ids), tuple(nesting.sub_segments)),
        "micro_segment": _Groups(tuple(nesting.micro_ids), tuple(nesting.micro_subs)),
    }


def _indices(model: SegmentModel, frame: pd.DataFrame) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Coordinates of the customers, and the position of the group of each at every level."""
    points = model.preparation.transform(frame)
    labels = model.labels(points)
    if model.nesting is None:
        return points, {"segment": labels}
    found = model.nesting.indices(points, labels)
    return points, dict(zip(LEVELS, (labels, *found), strict=True))


def _old_places(
    old: SegmentModel | Members | None, frame: pd.DataFrame
) -> tuple[dict[str, _Groups], dict[str, np.ndarray]]:
    """The old groups of every level, and the position of the group of each customer."""
    if old is None:
        return {}, {}
    if isinstance(old, Members):
        return old.groups(), old.indices(frame)
    return _groups_of(old), _indices(old, frame)[1]


def _chain(
    model: SegmentModel,
    groups: dict[str, _Groups],
    frame: pd.DataFrame,
    old: SegmentModel | Members | None,
    issued: Mapping[str, int],
    spare: Mapping[str, Succession],
) -> dict[str, Succession]:
    """Succession of every level, from the top down."""
    known = model.known(frame)
    if old is not None:
        known = known & old.known(frame)
    frame = frame[known]
    points, now = _indices(model, frame)
    old_groups, before = _old_places(old, frame)
    found: dict[str, Succession] = {}
    for above, level in zip((None, *LEVELS), groups, strict=False):
        own = groups[level]
        told = {"k": len(own.ids), "issued": issued[level], "level": level}
        told["spare"] = _spare(own, above, level, found, spare)
        if level not in old_groups:
            found[level] = first_ids(now[level], **told)
            continue
        theirs = old_groups[level]
        order = np.argsort(theirs.ids)
        allowed = None
        if above is not None:
            parents = np.array(found[above].ids)[list(own.above)]
            old_parents = np.array(old_groups[above].ids)[list(theirs.above)]
            allowed = parents[:, None] == old_parents[order][None, :]
        ids = np.array(theirs.ids)[before[level]]
        found[level] = succeed(
            now[level], ids, old_ids=theirs.ids, points=points, allowed=allowed, **told
        )
    return found


def _spare(
    own: _Groups,
    above: str | None,
    level: str,
    found: Mapping[str, Succession],
    spare: Mapping[str, Succession],
) -> tuple[int | None, ...]:
    """The id each group had in the run that is replaced, where it lay in the same parent."""
    if level not in spare:
        return (None,) * len(own.ids)
    parents = spare[level].parents
    if above is None:
        return parents
    same = [found[above].ids[place] == spare[above].ids[place] for place in own.above]
    return tuple(parent if stays else None for parent, stays in zip(parents, same, strict=True))
