"""Groups of linked records that no person can be: bridges, contradictions, too many records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

BRIDGE = "bridge"
CONTRADICTING_GROUP = "contradicting_group"
TOO_LARGE = "too_large"

# A weight below this does not hold two groups together all by itself.
_WEAK = 0.99

# In a larger group not every pair is looked at; it is cut for its size in any case.
_MOST_COMPARED = 1_000


def components(first: np.ndarray, second: np.ndarray, rows: int) -> np.ndarray:
    """Number of the connected component of each of ``rows`` nodes."""
    if not rows:
        return np.empty(0, dtype=int)
    graph = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(rows, rows))
    return connected_components(graph, directed=False)[1]


def cut_groups(
    links: pd.DataFrame,
    *,
    contradictions: Callable[[pd.DataFrame], np.ndarray],
    max_records_per_person: int,
) -> pd.Series:
    """Links to cut so that every group can be one person.

    Parameters
    ----------
    links
        Accepted links, strongest first: ``a``, ``b`` (positions), ``weight`` and ``by_weight``
        (not backed by a rule).
    contradictions
        Tells of pairs ``a``, ``b`` which cannot be one person.
    max_records_per_person
        Largest group allowed.

    Returns
    -------
    pandas.Series
        Reason by index of ``links``, for those that are cut: ``bridge`` (a weak link, the only one
        between two groups), ``contradicting_group`` (it would join people who contradict each
        other), ``too_large``.
    """
    nodes = np.unique(links[["a", "b"]].to_numpy())
    first, second = (np.searchsorted(nodes, links[end].to_numpy()) for end in ("a", "b"))
    group = components(first, second, len(nodes))
    sizes = np.bincount(group) if len(nodes) else np.empty(0, dtype=int)
    reasons = pd.Series(index=links.index[:0], dtype=object)
    if not (sizes >= 3).any():
        return reasons

    weak = links["by_weight"].to_numpy() & (links["weight"].to_numpy() < _WEAK)
    large = sizes[group[first]] >= 4
    bridges = _bridges(first[large], second[large], np.flatnonzero(large), weak)
    reasons = pd.Series(BRIDGE, index=links.index[bridges], dtype=object)

    kept = np.setdiff1d(np.arange(len(links)), bridges)
    group = components(first[kept], second[kept], len(nodes))
    members = defaultdict(list)
    for node, number in enumerate(group):
        members[number].append(node)
    several = [found for found in members.values() if 3 <= len(found) <= _MOST_COMPARED]
    pairs = pd.DataFrame(
        [pair for found in several for pair in combinations(found, 2)], columns=["a", "b"]
    )
    hostile = (
        pairs[contradictions(pairs.apply(lambda column: nodes[column]))] if len(pairs) else pairs
    )
    crowded = {n for n, found in members.items() if len(found) > max_records_per_person}
    suspect = crowded | set(group[hostile["a"].to_numpy(dtype=int)])
    cut = _grow(
        [(k, first[k], second[k]) for k in kept if group[first[k]] in suspect],
        hostile=hostile,
        max_records_per_person=max_records_per_person,
    )
    found = pd.Series(cut, dtype=object)
    found.index = links.index[found.index.to_numpy(dtype=int)]
    return pd.concat([reasons, found])


def _grow(
    edges: list[tuple[int, int, int]], *, hostile: pd.DataFrame, max_records_per_person: int
) -> dict[int, str]:
    """Join along the edges, strongest first; return those that must not join."""
    enemies = defaultdict(set)
    for a, b in hostile[["a", "b"]].to_numpy(dtype=int):
        enemies[a].add(b)
        enemies[b].add(a)
    group_of: dict[int, set[int]] = {}
    cut = {}
    for number, a, b in edges:
        left = group_of.setdefault(a, {a})
        right = group_of.setdefault(b, {b})
        if left is right:
            continue
        if any(enemies[node] & right for node in left):
            cut[number] = CONTRADICTING_GROUP
        elif len(left) + len(right) > max_records_per_person:
            cut[number] = TOO_LARGE
        else:
            left |= right
            for node in right:
                group_of[node] = left
    return cut


def _bridges(
    first: np.ndarray, second: np.ndarray, number: np.ndarray, weak: np.ndarray
) -> np.ndarray:
    """Weak edges that alone connect two groups of at least two records (Tarjan 1974)."""
    neighbours = defaultdict(lambda: defaultdict(list))
    for a, b, edge in zip(first.tolist(), second.tolist(), number.tolist(), strict=True):
        neighbours[a][b].append(edge)
        neighbours[b][a].append(edge)
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    below: dict[int, int] = {}
    found = []
    for root in sorted(neighbours):
        if root in order:
            continue
        tree = []
        order[root] = low[root] = len(order)
        below[root] = 1
        stack = [(root, None, iter(sorted(neighbours[root])))]
        visited = [root]
        while stack:
            node, parent, rest = stack[-1]
            step = next(rest, None)
            if step is None:
                stack.pop()
                if parent is not None:
                    low[parent] = min(low[parent], low[node])
                    below[parent] += below[node]
                    if low[node] > order[parent]:
                        tree.append((parent, node))
                continue
            if step == parent:
                continue
            if step in order:
                low[node] = min(low[node], order[step])
                continue
            order[step] = low[step] = len(order)
            below[step] = 1
            visited.append(step)
            stack.append((step, node, iter(sorted(neighbours[step]))))
        for parent, node in tree:
            edges = neighbours[parent][node]
            if min(below[node], len(visited) - below[node]) >= 2 and weak[edges].all():
                found += edges
    return np.array(sorted(found), dtype=int)
