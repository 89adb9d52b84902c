"""Whether a group of customers falls apart: significant jumps of a Ward tree, size, stability."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.cluster import KMeans

from python_ext.clustering import _indices

SAMPLE_ROWS = 800  # rows the tree is grown on: its cost is quadratic
STABILITY_ROWS = 1500
REFERENCES = 20
SURPRISE = 3.0  # standard errors of the reference a jump must exceed it by
SET_ASIDE = 0.10  # share of rows that may be set aside as dust before the tree is read


@dataclass(frozen=True)
class Split:
    """What was found when a group was tried.

    Attributes
    ----------
    groups
        Number of groups it was divided into; 1 if it was not.
    jump
        Height of the merge that is undone over that of the next one below; None if not tried.
    expected
        The same on structureless data of the same shape (geometric mean).
    surprise
        By how many standard errors the logarithm of the jump exceeds that.
    stability
        Bootstrap Jaccard index of each group; empty if it did not come to that.
    reason
        Why it was or was not divided, in words.
    """

    groups: int
    jump: float | None
    expected: float | None
    surprise: float | None
    stability: tuple[float, ...]
    reason: str


def find_split(
    points: np.ndarray,
    *,
    least_rows: int,
    most_groups: int,
    min_stability: float,
    seed: int,
) -> tuple[np.ndarray, Split]:
    """Divide a group where its Ward tree has a significant jump, or leave it whole.

    The rule. The tree of a sample gives a jump for each number of groups m: the height of the
    merge from m to m − 1 groups over that of the merge from m + 1 to m. It is *significant* if
    its logarithm exceeds the mean of ``REFERENCES`` structureless samples of the same shape by
    more than ``SURPRISE`` standard errors. Structureless is uniform along each principal axis
    with the variance of the points: of all distributions with one peak the one that falls apart
    most easily (Hartigan and Hartigan 1985), so that skewed or cut-off groups do not pass for
    several. The numbers of groups are tried by how far their jump exceeds the reference. Branches
    under the least size are dust: set aside, up to ``SET_ASIDE`` of the rows, and the tree read
    anew. The branches become the start of k-means over all points, which gives each group a
    centre. The first number is taken whose groups all hold ``least_rows`` rows and recur in
    bootstrap samples with a Jaccard index of at least ``min_stability``.

    Parameters
    ----------
    points
        Shape (rows, coordinates).
    least_rows
        Fewest rows of a group.
    most_groups
        Largest number of groups tried.
    min_stability
        Least bootstrap Jaccard index of each group (Hennig 2007: under 0.60 is unstable).
    seed
        Of samples, references and resamples.

    Returns
    -------
    tuple
        Group 0…m−1 of each row, and the ``Split``.
    """
    whole = np.zeros(len(points), dtype=int)

    def refuse(reason: str, **figures: float) -> tuple[np.ndarray, Split]:
        found = {"jump": None, "expected": None, "surprise": None, "stability": (), **figures}
        return whole, Split(groups=1, reason=f"not divided: {reason}", **found)

    if len(points) < 2 * least_rows:
        return refuse(f"{len(points)} customers, two groups need {2 * least_rows}")
    drawn = _indices.draw_rows(len(points), SAMPLE_ROWS, seed=seed)
    sample = points[drawn]
    least_sample = least_rows * len(sample) / len(points)
    if len(np.unique(sample.round(9), axis=0)) <= most_groups + 1:
        return refuse("hardly a customer differs from the others")
    objections: list[tuple[dict[str, float], str]] = []
    for branches, figures, objection in _branches(sample, most_groups, least_sample, seed=seed):
        if objection:
            objections.append((figures, objection))
            continue
        labels = _consolidated(points, sample, branches, seed=seed)
        groups = int(labels.max()) + 1
        sizes = np.bincount(labels, minlength=groups)
        if sizes.min() < least_rows:
            said = f"a group of {sizes.min()} customers, at least {least_rows} are asked"
            objections.append((figures, said))
            continue
        part = _indices.draw_rows(len(points), STABILITY_ROWS, seed=seed)
        stability = _indices.bootstrap_jaccard(points[part], labels[part], groups, seed=seed)
        if stability.min() < min_stability:
            said = (
                f"the least stable of {groups} groups recurs with a Jaccard index of "
                f"{stability.min():.2f}, at least {min_stability:.2f} is asked"
            )
            objections.append(({**figures, "stability": tuple(stability.tolist())}, said))
            continue
        reason = (
            f"divided into {groups}: the merge height jumps by a factor of {figures['jump']:.2f}, "
            f"{figures['expected']:.2f} without structure ({figures['surprise']:.1f} standard "
            f"errors); the least stable group recurs with a Jaccard index of {stability.min():.2f}"
        )
        return labels, Split(
            groups=groups, stability=tuple(stability.tolist()), reason=reason, **figures
        )
    figures, said = objections[0]
    return refuse(said, **figures)


def _branches(
    sample: np.ndarray, most_groups: int, least_sample: float, *, seed: int
) -> Iterator[tuple[np.ndarray, dict[str, float], str]]:
    """Yield the divisions worth trying: branch of each row (−1 set aside), figures, objection."""
    kept = np.ones(len(sample), dtype=bool)
    while True:
        tree = linkage(sample[kept], "ward")
        jumps = _log_jumps(tree, most_groups)
        mean, error = _expected_jumps(sample[kept], most_groups, seed=seed)
        surprise = (jumps - mean) / error
        order = sorted(range(len(jumps)), key=lambda i: (-(jumps - mean)[i], i))
        significant = [i for i in order if surprise[i] > SURPRISE]
        dust = None
        if significant:
            parts = fcluster(tree, significant[0] + 2, "maxclust") - 1
            small = np.bincount(parts) < least_sample
            aside = small[parts].sum() + (~kept).sum()
            if small.any() and not small.all() and aside <= SET_ASIDE * len(sample):
                dust = small[parts]
        if dust is None:
            break
        kept[np.flatnonzero(kept)[dust]] = False
    for i in significant or order[:1]:
        figures = {
            "jump": float(np.exp(jumps[i])),
            "expected": float(np.exp(mean[i])),
            "surprise": float(surprise[i]),
        }
        parts = fcluster(tree, i + 2, "maxclust") - 1
        branches = np.full(len(sample), -1)
        branches[kept] = parts
        objection = ""
        if not significant:
            objection = (
                f"the clearest jump of the merge height, a factor of {figures['jump']:.2f} at "
                f"{i + 2} groups, is within what structureless data give "
                f"({figures['expected']:.2f}; {figures['surprise']:.1f} standard errors)"
            )
        elif np.bincount(parts).min() < least_sample:
            objection = f"one of {i + 2} groups is smaller than is asked"
        yield branches, figures, objection


def _log_jumps(tree: np.ndarray, most_groups: int) -> np.ndarray:
    """Logarithm of merge height over the next below, for 2…``most_groups`` groups."""
    heights = np.maximum(tree[::-1, 2][:most_groups], 1e-12)
    return np.log(heights[:-1]) - np.log(heights[1:])


def _expected_jumps(
    sample: np.ndarray, most_groups: int, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard error of the log jumps of structureless samples of the same shape."""
    rng = np.random.default_rng(seed)
    centred = sample - sample.mean(axis=0)
    spread = np.linalg.svd(centred, compute_uv=False) / np.sqrt(len(sample))
    spread = spread[spread > 1e-9 * spread.max()]
    # Ward does not see rotations, so the references stay in the principal axes.
    side = np.sqrt(3) * spread
    drawn = np.array(
        [
            _log_jumps(
                linkage(rng.uniform(-side, side, (len(sample), len(side))), "ward"), most_groups
            )
            for _ in range(REFERENCES)
        ]
    )
    error = drawn.std(axis=0, ddof=1) * np.sqrt(1 + 1 / REFERENCES)
    return drawn.mean(axis=0), np.maximum(error, 1e-9)


def _consolidated(
    points: np.ndarray, sample: np.ndarray, branches: np.ndarray, *, seed: int
) -> np.ndarray:
    """Group of every point: k-means started from the means of the branches."""
    start = np.array([sample[branches == b].mean(axis=0) for b in range(branches.max() + 1)])
    return (
        KMeans(len(start), init=start, n_init=1, max_iter=50, random_state=seed)
        .fit(points)
        .labels_.astype(int)
    )
