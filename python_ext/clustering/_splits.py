"""Whether a group of customers falls apart: significant jumps of a Ward tree, size, stability."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.cluster import KMeans

from python_ext.clustering import _indices

SAMPLE_ROWS = 800  # rows the tree is grown on: its cost is quadratic
STABILITY_ROWS = 1500
REFERENCES = 20
SURPRISE = 3.0  # standard errors by which a cut must exceed the reference
SET_ASIDE = 0.10  # share of rows that may be set aside as dust before the tree is read


@dataclass(frozen=True)
class Split:
    """What was found when a group was tried.

    Attributes
    ----------
    groups
        Number of groups it was divided into; 1 if it was not.
    jump, expected_jump
        Height of the merge that is undone over that of the next one below; and the same on
        structureless data of the same shape (geometric mean). None if it did not come to that.
    explained, expected_explained
        Share of the variance that lies between the groups; and without structure.
    surprise
        By how many standard errors the clearer of the two exceeds what is expected.
    stability
        Bootstrap Jaccard index of each group; empty if it did not come to that.
    looks, looks_alike
        Random halves of the group that were tried; and the most of them that were divided into
        one same number of groups. None where a division was not repeated.
    agreement
        Mean adjusted Rand index of the halves' divisions with this one; None if it did not come
        to that.
    reason
        Why it was or was not divided, in words.
    """

    groups: int
    reason: str
    jump: float | None = None
    expected_jump: float | None = None
    explained: float | None = None
    expected_explained: float | None = None
    surprise: float | None = None
    stability: tuple[float, ...] = ()
    looks: int | None = None
    looks_alike: int | None = None
    agreement: float | None = None

    @property
    def evidence(self) -> str:
        """How far the groups stand apart, in words."""
        if self.explained is None or self.expected_explained is None:
            return "nothing was measured"
        return (
            f"the groups hold {self.explained:.0%} of the differences between its customers, "
            f"against {self.expected_explained:.0%} where there are no groups"
        )


def not_divided(reason: str, **figures: float | tuple[float, ...]) -> Split:
    """A group that stays whole."""
    return Split(groups=1, reason=f"not divided: {reason}", **figures)


def find_split(
    points: np.ndarray,
    *,
    least_rows: int,
    most_groups: int,
    min_stability: float,
    seed: int,
    sample_rows: int = SAMPLE_ROWS,
) -> tuple[np.ndarray, Split]:
    """Divide a group where its Ward tree has a significant jump, or leave it whole.

    The rule. The tree of a sample is cut into 2…``most_groups`` groups. A cut is *significant* if
    the merge height jumps there (the logarithm of its height over that of the next merge below),
    or if the merges above it hold more of the variance (the sum of their squared heights), than
    in ``REFERENCES`` structureless samples of the same shape on average, by more than
    ``SURPRISE`` standard errors. Structureless is uniform along each principal axis with the
    variance of the points: of all distributions with one peak the one that falls apart most
    easily (Hartigan and Hartigan 1985), so that cut-off groups do not pass for several. Of the
    significant cuts the one whose variance exceeds the reference most is tried first, or a
    simpler one within a standard error of it. Branches under the least size are dust: set aside,
    up to ``SET_ASIDE`` of the rows, and the tree read anew. The branches become the start of
    k-means over all points, which gives each group a centre. The first cut is taken whose groups
    all hold ``least_rows`` rows and recur in bootstrap samples with a Jaccard index of at least
    ``min_stability``.

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
    sample_rows
        Most rows the tree is grown on.

    Returns
    -------
    tuple
        Group 0…m−1 of each row, and the ``Split``.
    """
    whole = np.zeros(len(points), dtype=int)

    def refuse(reason: str, **figures: float) -> tuple[np.ndarray, Split]:
        return whole, not_divided(reason, **figures)

    if len(points) < 2 * least_rows:
        return refuse("too few customers for two groups")
    drawn = _indices.draw_rows(len(points), sample_rows, seed=seed)
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
            objections.append((figures, f"one of {groups} groups would hold too few customers"))
            continue
        part = _indices.draw_rows(len(points), STABILITY_ROWS, seed=seed)
        stability = _indices.bootstrap_jaccard(points[part], labels[part], groups, seed=seed)
        if stability.min() < min_stability:
            said = (
                f"one of {groups} groups would be found again only in part (Jaccard index "
                f"{stability.min():.2f}, asked {min_stability:.2f})"
            )
            objections.append(({**figures, "stability": tuple(stability.tolist())}, said))
            continue
        split = Split(groups, "", stability=tuple(stability.tolist()), **figures)
        return labels, replace(split, reason=f"divided into {groups}: {split.evidence}")
    figures, said = objections[0]
    return refuse(said, **figures)


def _branches(
    sample: np.ndarray, most_groups: int, least_sample: float, *, seed: int
) -> Iterator[tuple[np.ndarray, dict[str, float], str]]:
    """Yield the divisions worth trying: branch of each row (−1 set aside), figures, objection."""
    kept = np.ones(len(sample), dtype=bool)
    while True:
        tree = linkage(sample[kept], "ward")
        found = _read_tree(tree, most_groups)
        mean, error = _without_structure(sample[kept], most_groups, seed=seed)
        surprise = ((found - mean) / error).max(axis=0)
        order = _in_order(surprise, found[1] - mean[1], error[1])
        dust = None
        if order:
            small_branch = _small(tree, order[0] + 2, least_sample)
            aside = small_branch.sum() + (~kept).sum()
            if small_branch.any() and not small_branch.all() and aside <= SET_ASIDE * len(sample):
                dust = small_branch
        if dust is None:
            break
        kept[np.flatnonzero(kept)[dust]] = False
    for i in order or [int(surprise.argmax())]:
        figures = {
            "jump": float(np.exp(found[0, i])),
            "expected_jump": float(np.exp(mean[0, i])),
            "explained": float(found[1, i]),
            "expected_explained": float(mean[1, i]),
            "surprise": float(surprise[i]),
        }
        branches = np.full(len(sample), -1)
        branches[kept] = fcluster(tree, i + 2, "maxclust") - 1
        objection = ""
        if not order:
            objection = (
                "its customers pass into one another without a gap; the clearest division, into "
                f"{i + 2}, holds {figures['explained']:.0%} of their differences, not clearly more "
                f"than the {figures['expected_explained']:.0%} found where there are no groups"
            )
        elif _small(tree, i + 2, least_sample).any():
            objection = f"one of {i + 2} groups would hold too few customers"
        yield branches, figures, objection


def _in_order(surprise: np.ndarray, excess: np.ndarray, error: np.ndarray) -> list[int]:
    """Significant cuts: the simplest within a standard error of the best, then by excess."""
    order = sorted(np.flatnonzero(surprise > SURPRISE), key=lambda i: (-excess[i], i))
    if not order:
        return []
    best = order[0]
    first = min(i for i in order if excess[i] >= excess[best] - error[best])
    return [int(first), *(int(i) for i in order if i != first)]


def _small(tree: np.ndarray, groups: int, least: float) -> np.ndarray:
    """Mask of the rows in branches of fewer than ``least`` rows."""
    parts = fcluster(tree, groups, "maxclust") - 1
    return (np.bincount(parts) < least)[parts]


def _read_tree(tree: np.ndarray, most_groups: int) -> np.ndarray:
    """Shape (2, most_groups − 1), for 2…``most_groups`` groups.

    First the logarithm of merge height over the next below, then the share of the variance
    between the groups. Half the squared height of a merge is what it adds to the sum of squares.
    """
    heights = np.maximum(tree[::-1, 2], 1e-12)
    if len(heights) < most_groups:
        heights = np.pad(heights, (0, most_groups - len(heights)), constant_values=1e-12)
    squares = heights**2
    upper = np.log(heights[:most_groups])
    return np.array([upper[:-1] - upper[1:], squares[: most_groups - 1].cumsum() / squares.sum()])


def _without_structure(
    sample: np.ndarray, most_groups: int, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard error of ``_read_tree`` over structureless samples of the same shape."""
    rng = np.random.default_rng(seed)
    centred = sample - sample.mean(axis=0)
    spread = np.linalg.svd(centred, compute_uv=False) / np.sqrt(len(sample))
    spread = spread[spread > 1e-9 * spread.max()]
    # Ward does not see rotations, so the references stay in the principal axes.
    side = np.sqrt(3) * spread
    shape = (len(sample), len(side))
    drawn = np.array(
        [
            _read_tree(linkage(rng.uniform(-side, side, shape), "ward"), most_groups)
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
