"""Whether a division comes back: the whole decision repeated on random halves of a group."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans

from python_ext.clustering import _indices
from python_ext.clustering._splits import STABILITY_ROWS, Split, find_split, not_divided

PAIRS = 4  # random halvings, each of which gives two halves that share no customer
LEAST_LOOKS = 6  # halves of the eight that must find the same number of groups
HALF_ROWS = 1000  # most rows of a half
TREE_ROWS = 500  # rows a half's tree is grown on
COMPARED_ROWS = 4000  # rows on which the halves' divisions are compared


@dataclass(frozen=True)
class _Look:
    """What one half says: its division, and the centres of its groups."""

    split: Split
    centres: np.ndarray

    def label(self, points: np.ndarray) -> np.ndarray:
        """Group of any points, those of the other half among them."""
        return cdist(points, self.centres, "sqeuclidean").argmin(axis=1)


def find_lasting_split(
    points: np.ndarray,
    *,
    least_rows: int,
    most_groups: int,
    min_stability: float,
    min_agreement: float,
    seed: int,
) -> tuple[np.ndarray, Split]:
    """Divide a group where ``find_split`` divides its random halves, time and again alike.

    The rule. The customers are halved at random ``PAIRS`` times, and ``find_split`` decides on
    each half anew whether to divide, in how many and where. A division counts only if at least
    ``LEAST_LOOKS`` halves find the same number of groups. Each of these divisions is then a rule
    (the nearest centre) for all customers of the group, those of the other half among them; the
    one that is most like the others is kept, refined by k-means over all. Its *agreement* is the
    mean adjusted Rand index of all halves with it, where a half that is not divided has 0. So
    two halves that see no groups are one too many for an agreement of 0.75, unless the other six
    are all equal, while two that only count the groups otherwise may pass. 0.75 itself lies
    between Steinley's (2004) moderate (0.65) and good (0.80): with one half of eight against it,
    the seven others must be good, 0.86.

    A look on half the customers is harder than one on all: a division that is only just visible
    on all of them is refused. It ends as soon as a majority is out of reach, so a group without
    structure costs three looks.

    Parameters
    ----------
    points
        Shape (rows, coordinates).
    least_rows
        Fewest rows of a group; in a half, half as many.
    most_groups, min_stability
        As of ``find_split``.
    min_agreement
        Least agreement of the halves with the division.
    seed
        Of halves, samples, references and resamples.

    Returns
    -------
    tuple
        Group 0…m−1 of each row, and the ``Split`` with ``looks``, ``looks_alike`` and
        ``agreement``.
    """
    whole = np.zeros(len(points), dtype=int)
    if len(points) < 2 * least_rows:
        return whole, not_divided(f"fewer than the {2 * least_rows} customers that two groups need")
    looks: list[_Look] = []
    for half, number in _halves(len(points), seed=seed):
        looks.append(
            _look(
                points[half],
                least_rows=-(-least_rows // 2),
                most_groups=most_groups,
                min_stability=min_stability,
                seed=number,
            )
        )
        found = Counter(look.split.groups for look in looks if look.split.groups > 1)
        if max(found.values(), default=0) + 2 * PAIRS - len(looks) < LEAST_LOOKS:
            return whole, _disagreed(looks)
    groups, alike = found.most_common(1)[0]
    compared = points[_indices.draw_rows(len(points), COMPARED_ROWS, seed=seed)]
    named = [look.label(compared) for look in looks]
    rand = np.eye(len(named))
    for i, j in combinations(range(len(named)), 2):
        rand[i, j] = rand[j, i] = _indices.adjusted_rand(named[i], named[j])
    same = [i for i, look in enumerate(looks) if look.split.groups == groups]
    middle = looks[max(same, key=lambda i: (rand[i].sum(), -i))]
    fit = KMeans(groups, init=middle.centres, n_init=1, max_iter=50, random_state=seed).fit(points)
    labels = fit.labels_.astype(int)
    final = _Look(middle.split, fit.cluster_centers_)
    everyone = final.label(compared)
    agreement = float(np.mean([_indices.adjusted_rand(everyone, one) for one in named]))
    figures = {"looks": len(looks), "looks_alike": alike, "agreement": agreement}
    refused = {**figures, "stability": ()}
    if agreement < min_agreement:
        return whole, replace(
            middle.split,
            groups=1,
            reason=f"not divided: {alike} of {len(looks)} random halves of its customers fall "
            f"into {groups} groups, but the halves agree too little on who belongs together "
            f"(agreement {agreement:.2f}, asked {min_agreement:.2f}), so the groups would not last",
            **refused,
        )
    sizes = np.bincount(labels, minlength=groups)
    if sizes.min() < least_rows:
        said = f"the smallest of {groups} groups would hold fewer than {least_rows} customers"
        return whole, replace(middle.split, groups=1, reason=f"not divided: {said}", **refused)
    part = _indices.draw_rows(len(points), STABILITY_ROWS, seed=seed)
    stability = _indices.bootstrap_jaccard(points[part], labels[part], groups, seed=seed)
    if stability.min() < min_stability:
        said = (
            f"one of {groups} groups would be found again only in part (Jaccard index "
            f"{stability.min():.2f}, asked {min_stability:.2f})"
        )
        return whole, replace(middle.split, groups=1, reason=f"not divided: {said}", **refused)
    return labels, replace(
        middle.split,
        stability=tuple(stability.tolist()),
        reason=f"divided into {groups}: {alike} of {len(looks)} random halves of its customers "
        f"fall into the same {groups} groups (agreement {agreement:.2f}, where 1 is the same); "
        f"{middle.split.evidence}",
        **figures,
    )


def _halves(rows: int, *, seed: int) -> list[tuple[np.ndarray, int]]:
    """Positions of each half, with a seed of its own; neighbours in the list share no row."""
    rng = np.random.default_rng(seed)
    size = min(rows // 2, HALF_ROWS)
    halves = []
    for _ in range(PAIRS):
        order = rng.permutation(rows)
        for half in (order[:size], order[rows - size :]):
            halves.append((np.sort(half), int(rng.integers(2**31))))
    return halves


def _look(points: np.ndarray, **rules: float) -> _Look:
    labels, split = find_split(points, sample_rows=TREE_ROWS, **rules)
    return _Look(split, np.array([points[labels == g].mean(axis=0) for g in range(split.groups)]))


def _disagreed(looks: list[_Look]) -> Split:
    """Why a majority was out of reach: no groups at all, or other ones each time."""
    divided = Counter(look.split.groups for look in looks if look.split.groups > 1)
    clearest = max(looks, key=lambda look: look.split.surprise or 0.0)
    figures = {"looks": len(looks), "looks_alike": max(divided.values(), default=0)}
    if not divided:
        return replace(looks[0].split, stability=(), **figures)
    undivided = len(looks) - divided.total()
    found = [f"{number} into {groups}" for groups, number in sorted(divided.items())]
    found += [f"{undivided} into none"] if undivided else []
    listed = f"{', '.join(found[:-1])} and {found[-1]}" if len(found) > 1 else found[0]
    return replace(
        clearest.split,
        groups=1,
        stability=(),
        reason="not divided: which groups one sees in it depends on who is looked at, so they "
        f"would not last (of {len(looks)} random halves of its customers fall {listed})",
        **figures,
    )
