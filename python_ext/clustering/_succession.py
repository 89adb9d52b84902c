"""Which of the new segments are those of the last run, and what became of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

# Over one half no second segment can share as much with either, so the match is beyond doubt; at
# one third two segments of one size share half their customers, and under it most are others.
CERTAIN, TOLERATED = 1 / 2, 1 / 3
# What part of a segment goes or comes, as in MONIC (Spiliopoulou et al. 2006).
LARGELY, PART = 0.5, 0.25
# An old segment this small within a new one has not made it what it is.
TRACE = 0.10


@dataclass(frozen=True)
class Event:
    """What became of a segment; columns of ``ml_segment_events`` without view and date.

    Attributes
    ----------
    event
        kept, born, died, merged or split.
    segment_id
        The new segment of kept, born and merged; the old one of died and split.
    other_segment_id
        born: where most of its customers came from; died: where most of its customers went;
        merged: an old segment that went into it; split: a new segment that came out of it.
    overlap
        kept: Jaccard index of old and new; born: share of it that came from the other; died,
        merged and split: share of the old segment that is in the new one.
    customers
        Customers of ``segment_id`` today, among those compared.
    shared_customers
        Those of them who are in the other as well.
    """

    level: str
    segment_id: int
    event: str
    other_segment_id: int | None
    overlap: float | None
    customers: int
    shared_customers: int | None


@dataclass(frozen=True)
class Succession:
    """Ids of the new segments, by index, and how they came about.

    Attributes
    ----------
    ids
        One per new segment.
    parents
        The old id that each new segment continues, None for a new one.
    issued
        Highest id ever given.
    events
        What happened to each old and new segment.
    """

    ids: tuple[int, ...]
    parents: tuple[int | None, ...]
    issued: int
    events: tuple[Event, ...]


def first_ids(
    labels: np.ndarray,
    *,
    k: int,
    issued: int,
    level: str = "segment",
    spare: Sequence[int | None] = (),
) -> Succession:
    """Ids where there is nothing to continue: the spare ones, else the next, in order."""
    ids, issued = _give((None,) * k, spare, (), issued)
    sizes = np.bincount(labels, minlength=k)
    born = (
        Event(level, number, "born", None, None, int(size), None)
        for number, size in zip(ids, sizes, strict=True)
    )
    return Succession(ids, (None,) * k, issued, tuple(born))


def _give(
    parents: Sequence[int | None],
    spare: Sequence[int | None],
    old_ids: Sequence[int],
    issued: int,
) -> tuple[tuple[int, ...], int]:
    """An id for each new segment: its parent's, else its spare one, else the next."""
    taken, ids = {*old_ids}, []
    for place, parent in enumerate(parents):
        other = spare[place] if place < len(spare) else None
        if parent is None and (other is None or other in taken):
            issued += 1
            other = issued
        ids.append(other if parent is None else parent)
        taken.add(ids[-1])
    return tuple(ids), max(issued, *ids, *old_ids, 0)


def succeed(
    labels: np.ndarray,
    old: np.ndarray,
    *,
    k: int,
    old_ids: Sequence[int],
    points: np.ndarray,
    issued: int,
    allowed: np.ndarray | None = None,
    level: str = "segment",
    spare: Sequence[int | None] = (),
) -> Succession:
    """Match new segments to old ones by today's customers, assigned by both models.

    Features and scales may have changed between the models, so segments are compared by whom they
    hold and not by what their centroids say: the Jaccard index J = |A ∩ B| / |A ∪ B| over the same
    customers. A pair may match when J > 1/2, or when J >= 1/3 and the two are nearest to each
    other by the distance of their centres, both measured in today's coordinates. Among the pairs
    that may, the Hungarian method maximises the sum of J; equals go to the nearer centre, then to
    the older id. A matched segment keeps the old id, another gets the next never given.

    Parameters
    ----------
    labels
        New segment of each customer, 0…k−1.
    old
        Id of each customer's segment by the old model.
    k
        Number of new segments.
    old_ids
        Ids of the old model, of segments without customers today as well.
    points
        Coordinates of the customers by the new preparation.
    issued
        Highest id ever given.
    allowed
        Shape (k, old ids in ascending order): pairs that may match at all; all if not given.
    level
        Written into the events.
    spare
        For each new segment an id it may have where it continues none, if that is free.

    Returns
    -------
    Succession
    """
    old_ids = sorted(int(number) for number in old_ids)
    position = np.searchsorted(old_ids, old)
    joint = np.zeros((k, len(old_ids)))
    np.add.at(joint, (labels, position), 1)
    overlap = _jaccard(joint)
    distance = _distances(points, labels, position, joint.shape)
    pairs = _match(overlap, distance, allowed)
    parents = [None if j is None else old_ids[j] for j in pairs]
    ids, issued = _give(parents, spare, old_ids, issued)
    events = _events(joint, overlap, pairs, ids, old_ids, level)
    return Succession(ids, tuple(parents), issued, tuple(events))


def _jaccard(joint: np.ndarray) -> np.ndarray:
    union = joint.sum(axis=1, keepdims=True) + joint.sum(axis=0, keepdims=True) - joint
    return joint / np.maximum(union, 1)


def _distances(
    points: np.ndarray, labels: np.ndarray, position: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """Between the centres of new and old segments; infinite where one holds nobody."""

    def centres(groups: np.ndarray, count: int) -> np.ndarray:
        total = np.zeros((count, points.shape[1]))
        np.add.at(total, groups, points)
        with np.errstate(invalid="ignore"):
            return total / np.bincount(groups, minlength=count)[:, None]

    if not points.shape[1]:
        return np.zeros(shape)
    distance = cdist(centres(labels, shape[0]), centres(position, shape[1]))
    return np.where(np.isnan(distance), np.inf, distance).round(9)


def _match(
    overlap: np.ndarray, distance: np.ndarray, allowed: np.ndarray | None
) -> list[int | None]:
    """Old position for each new segment, None without a match."""
    if not overlap.size:
        return [None] * len(overlap)
    nearest = (distance <= distance.min(axis=1, keepdims=True)) & (
        distance <= distance.min(axis=0, keepdims=True)
    )
    may = (overlap > CERTAIN) | ((overlap >= TOLERATED) & nearest)
    if allowed is not None:
        may &= allowed
    finite = distance[np.isfinite(distance)]
    widest = float(finite.max(initial=0)) or 1.0
    closeness = 1 - np.where(np.isfinite(distance), distance, widest) / widest
    new, old = overlap.shape
    seniority = np.outer(new - np.arange(new), old - np.arange(old)) / (new * old)
    gain = np.where(may, overlap.round(9) + 1e-5 * closeness + 1e-7 * seniority, 0)
    matched: list[int | None] = [None] * new
    for i, j in zip(*linear_sum_assignment(gain, maximize=True), strict=True):
        if may[i, j]:
            matched[i] = int(j)
    return matched


def _events(
    joint: np.ndarray,
    overlap: np.ndarray,
    pairs: list[int | None],
    ids: Sequence[int],
    old_ids: Sequence[int],
    level: str,
) -> list[Event]:
    events = []
    sizes, old_sizes = joint.sum(axis=1), joint.sum(axis=0)
    of_new = joint / np.maximum(sizes, 1)[:, None]
    of_old = joint / np.maximum(old_sizes, 1)[None, :]
    for i, j in enumerate(pairs):
        if j is not None:
            event, other, share, shared = "kept", None, overlap[i, j], joint[i, j]
        else:
            event, (other, share, shared) = "born", _most(joint[i], of_new[i], old_ids)
        events.append(_event(level, ids[i], event, other, share, sizes[i], shared))
    for j in sorted(set(range(len(old_ids))) - {j for j in pairs if j is not None}):
        found = _most(joint[:, j], of_old[:, j], ids)
        events.append(_event(level, old_ids[j], "died", found[0], found[1], old_sizes[j], found[2]))
    into = (of_old >= LARGELY) & (of_new >= TRACE)
    for i in np.flatnonzero(into.sum(axis=1) >= 2):
        for j in np.flatnonzero(into[i]):
            told = (old_ids[j], of_old[i, j], sizes[i], joint[i, j])
            events.append(_event(level, ids[i], "merged", *told))
    out_of = (of_new >= LARGELY) & (of_old >= PART)
    for j in np.flatnonzero(out_of.sum(axis=0) >= 2):
        for i in np.flatnonzero(out_of[:, j]):
            told = (ids[i], of_old[i, j], old_sizes[j], joint[i, j])
            events.append(_event(level, old_ids[j], "split", *told))
    return events


def _most(
    joint: np.ndarray, shares: np.ndarray, ids: Sequence[int]
) -> tuple[int | None, float | None, float | None]:
    """The other segment that shares most, of equals the one with the lowest id."""
    if not joint.size or not joint.max():
        return None, None, None
    at = min(np.flatnonzero(joint == joint.max()), key=lambda n: ids[n])
    return ids[at], shares[at], joint[at]


def _event(
    level: str,
    segment_id: int,
    event: str,
    other: int | None,
    overlap: float | None,
    customers: float,
    shared: float | None,
) -> Event:
    return Event(
        level,
        int(segment_id),
        event,
        None if other is None else int(other),
        None if overlap is None else float(overlap),
        int(customers),
        None if shared is None else int(shared),
    )
