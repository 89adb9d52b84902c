"""A new model under the ids of the last one, at all three levels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from python_ext.clustering._memory import LEVELS
from python_ext.clustering._model import SegmentModel
from python_ext.clustering._succession import Succession, first_ids, succeed


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
    earlier: SegmentModel | None,
    replaced: SegmentModel | None,
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
        The model kept before; None if there is none.
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


def _chain(
    model: SegmentModel,
    groups: dict[str, _Groups],
    frame: pd.DataFrame,
    old: SegmentModel | None,
    issued: Mapping[str, int],
    spare: Mapping[str, Succession],
) -> dict[str, Succession]:
    """Succession of every level, from the top down."""
    known = model.known(frame)
    if old is not None:
        known = known & old.known(frame)
    frame = frame[known]
    points, now = _indices(model, frame)
    old_groups, before = (_groups_of(old), _indices(old, frame)[1]) if old else ({}, {})
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
