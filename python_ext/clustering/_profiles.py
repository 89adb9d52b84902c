"""What marks each segment: means, indices, effect sizes and corrected p-values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from python_ext import frames
from python_ext.clustering._wording import Wording
from python_ext.features import (
    SCORES_ONLY,
    Feature,
    feature_matrix,
    select_features,
    transformed,
)

CUSTOMER_KEY = "customer_key"
LEVELS = {
    "segment": "segment_id",
    "sub_segment": "sub_segment_id",
    "micro_segment": "micro_segment_id",
}
FIRST_RFM_ID = 901  # ids from here on are RFM segments, where no stable segments were found
RFM_FEATURES = frozenset({"recency_days", "frequency", "monetary"})

PROFILES_SCHEMA = frames.Schema(
    {
        "view": "string",
        "level": "string",
        "segment_id": "bigint",
        "parent_segment_id": "bigint",
        "feature": "string",
        "label_en": "string",
        "label_fr": "string",
        "mean": "double",
        "median": "double",
        "overall_mean": "double",
        "index_vs_all": "double",
        "z": "double",
        "parent_mean": "double",
        "index_vs_parent": "double",
        "z_vs_parent": "double",
        "effect_size": "double",
        "p_value": "double",
        "differentiator_rank": "bigint",
        "customers": "bigint",
        "customers_known": "bigint",
        "is_circular": "boolean",
    },
    key=("view", "level", "segment_id", "feature"),
)


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's step-down correction (1979); NaN stays NaN and does not count as a test."""
    corrected = np.full(len(p_values), np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    raised = p_values[order] * (len(order) - np.arange(len(order)))
    corrected[order] = np.minimum(np.maximum.accumulate(raised), 1.0)
    return corrected


def eta_squared(counts: np.ndarray, sums: np.ndarray, squares: float) -> float:
    """Share of the variance that lies between groups, 0–1; NaN without variance or groups.

    Parameters
    ----------
    counts, sums
        Values and their sum per group.
    squares
        Sum of the squares of all values.
    """
    present = counts > 0
    counts, sums = counts[present], sums[present]
    total = squares - sums.sum() ** 2 / counts.sum() if len(counts) else 0.0
    if len(counts) < 2 or total <= 1e-12 * max(1.0, squares):
        return np.nan
    between = (sums**2 / counts).sum() - sums.sum() ** 2 / counts.sum()
    return float(np.clip(between / total, 0.0, 1.0))


def kruskal_p(ordered: np.ndarray, groups: np.ndarray) -> float:
    """p-value of the Kruskal-Wallis test with its correction for ties; NaN where not defined.

    Parameters
    ----------
    ordered
        Values in ascending order, none unknown.
    groups
        The group of each, counted from 0.
    """
    n = len(ordered)
    if n < 2 or ordered[0] == ordered[-1]:
        return np.nan
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    ties = np.diff(np.r_[starts, n]).astype(float)
    ranks = np.repeat(starts + (ties + 1) / 2, ties.astype(int))
    counts = np.bincount(groups).astype(float)
    rank_sums = np.bincount(groups, weights=ranks)
    present = counts > 0
    if present.sum() < 2:
        return np.nan
    spread = (rank_sums[present] ** 2 / counts[present]).sum()
    statistic = 12 / (n * (n + 1.0)) * spread - 3 * (n + 1.0)
    statistic /= 1 - (ties**3 - ties).sum() / (float(n) ** 3 - n)
    return float(stats.chi2.sf(statistic, present.sum() - 1))


@dataclass(frozen=True)
class _Level:
    """One level of one view: its segments, and which of them each row of the frame is in.

    ``node`` is −1 for a row that is in none; ``parent`` numbers the parents from 0, and at the
    first level all segments have the parent 0, which is everybody.
    """

    view: str
    level: str
    ids: np.ndarray
    parent_ids: np.ndarray
    node: np.ndarray
    parent: np.ndarray
    sizes: np.ndarray


def _levels(part: pd.DataFrame, keys: pd.Index) -> list[_Level]:
    """The levels of one view, the parents of a level always before it."""
    part = part[part[CUSTOMER_KEY].isin(keys)]
    rows = keys.get_indexer(part[CUSTOMER_KEY])
    found, above = [], None
    for level, column in LEVELS.items():
        if column not in part.columns:
            break
        ids = part[column].to_numpy(dtype=float, na_value=np.nan)
        inside = ~np.isnan(ids)
        if not inside.any():
            break
        unique, codes = np.unique(ids[inside].astype(np.int64), return_inverse=True)
        node = np.full(len(keys), -1, dtype=np.int16)
        node[rows[inside]] = codes
        if above is None:
            parent = np.zeros(len(unique), dtype=np.int16)
            parent_ids = np.full(len(unique), np.nan)
        else:
            member = np.flatnonzero(node >= 0)
            first = member[np.unique(node[member], return_index=True)[1]]
            parent = above.node[first]
            parent_ids = above.ids[parent].astype(float)
        sizes = np.bincount(node[node >= 0], minlength=len(unique))
        above = _Level(part["view"].iloc[0], level, unique, parent_ids, node, parent, sizes)
        found.append(above)
    return found


def profile_segments(
    clusters: pd.DataFrame | Iterable[pd.DataFrame],
    frame: pd.DataFrame,
    definitions: pd.DataFrame,
    view_features: pd.DataFrame,
    *,
    sources: Mapping[str, bool] | str | None = None,
    categories: pd.DataFrame | None = None,
    category_labels: pd.DataFrame | None = None,
    sample_rows: int = 200_000,
) -> pd.DataFrame:
    """Describe each segment of each view and level by every feature whose source is on.

    Features of the group ``scores`` are left out: they are many, and say little to a reader.

    Parameters
    ----------
    clusters
        ``view``, ``customer_key``, ``segment_id`` and, where there are any, ``sub_segment_id`` and
        ``micro_segment_id``; one table or several, so that views can be read one at a time.
    frame
        ``customer_key`` and feature columns.
    definitions, sources
        As in ``features.select_features``.
    view_features
        ``view`` and ``feature``: which features made the segments of a view.
    categories
        ``category_rank`` and ``category``: what stands behind taste_1, taste_2, …, for the labels.
    category_labels
        The seed of that name: categories in English and French.
    sample_rows
        Medians and tests are over the customers with the smallest hash of their key where there
        are more than this. The error of a median is then that of a sample of this size; counts,
        means, indices and effect sizes are over everybody.

    Returns
    -------
    pandas.DataFrame
        Columns of ``PROFILES_SCHEMA``, one row per view, level, segment and feature. Means and
        medians are in the feature's own unit. ``z`` (difference of the segment's mean from that of
        all of the view, in standard deviations of all) and ``effect_size`` (eta squared) are on
        the scale of the feature's transform, so that one huge spender does not hide the rest.
        ``p_value`` is Kruskal-Wallis over segments, Holm-corrected over features.

        A sub- or micro-segment is compared with its parent as well: ``parent_mean``,
        ``index_vs_parent`` and ``z_vs_parent`` are against the parent, ``effect_size`` and
        ``p_value`` tell how the feature separates the siblings, and the differentiators are those
        against the siblings. With thousands of customers a p-value is tiny for any feature, and
        where ``is_circular`` it tests what made the segments: read the effect size.
    """
    wording = Wording.of(categories=categories, category_labels=category_labels)
    features = [
        replace(
            feature, label_en=wording.label(feature, "en"), label_fr=wording.label(feature, "fr")
        )
        for feature in select_features(definitions, frame.columns, sources=sources)
        if feature.view != SCORES_ONLY
    ]
    # Columns are put in order one by one: a wide frame of all customers is gigabytes.
    by_key = frame[CUSTOMER_KEY].to_numpy().argsort(kind="stable")
    keys = pd.Index(frame[CUSTOMER_KEY].to_numpy()[by_key])
    parts = [clusters] if isinstance(clusters, pd.DataFrame) else clusters
    levels = [
        level
        for table in parts
        for _, part in table.groupby("view", sort=True)
        for level in _levels(part, keys)
    ]
    made = set(zip(view_features["view"], view_features["feature"], strict=True))
    drawn = _drawn(keys, sample_rows)
    records = []
    for feature in features:
        raw = feature_matrix(frame, [feature], transform=False)[by_key, 0]
        scaled = transformed(raw, feature.transform)
        scaled = scaled - (np.nanmean(scaled) if (~np.isnan(scaled)).any() else 0.0)
        order = drawn[np.argsort(raw[drawn], kind="stable")]
        order = order[~np.isnan(raw[order])]
        overall: dict[str, tuple[float, float, float]] = {}
        for level in levels:
            records.append(_describe(level, feature, raw, scaled, order, made, overall))
    if not records:
        return pd.DataFrame(columns=list(PROFILES_SCHEMA))
    table = pd.concat(records, ignore_index=True)
    return _corrected_and_ranked(table)[list(PROFILES_SCHEMA)]


def _drawn(keys: pd.Index, rows: int) -> np.ndarray:
    """Positions of the customers with the smallest hashes, or of all."""
    if len(keys) <= rows:
        return np.arange(len(keys))
    numbered = pd.DataFrame({CUSTOMER_KEY: keys, "position": np.arange(len(keys))})
    return np.sort(frames.sample(numbered, key=CUSTOMER_KEY, rows=rows)["position"].to_numpy())


def _describe(
    level: _Level,
    feature: Feature,
    raw: np.ndarray,
    scaled: np.ndarray,
    order: np.ndarray,
    made: set[tuple[str, str]],
    overall: dict[str, tuple[float, float, float]],
) -> pd.DataFrame:
    """The rows of one feature and level. ``overall`` carries the figures of all of a view."""
    k = len(level.ids)
    inside = (level.node >= 0) & ~np.isnan(raw)
    node, values = level.node[inside], scaled[inside]
    counts = np.bincount(node, minlength=k).astype(float)
    raw_sums = np.bincount(node, weights=raw[inside], minlength=k)
    sums = np.bincount(node, weights=values, minlength=k)
    squares = np.bincount(node, weights=values**2, minlength=k)
    parents = int(level.parent.max()) + 1
    up = [np.bincount(level.parent, weights=w, minlength=parents) for w in (counts, raw_sums, sums)]
    if level.level == "segment":
        overall[level.view] = (
            _ratio(up[1][0], up[0][0]),
            _ratio(up[2][0], up[0][0]),
            _spread(counts, sums, squares, values),
        )
    whole_mean, whole_centre, whole_spread = overall[level.view]
    effect, p_value, spread = (np.full(parents, np.nan) for _ in range(3))
    ordered = order[level.node[order] >= 0]
    of_node = level.node[ordered]
    of_parent = level.parent[of_node]
    for number in range(parents):
        mine = level.parent == number
        effect[number] = eta_squared(counts[mine], sums[mine], squares[mine].sum())
        spread[number] = _spread(
            counts[mine], sums[mine], squares[mine], values[mine[node]] if parents > 1 else values
        )
        here = of_parent == number
        p_value[number] = kruskal_p(raw[ordered[here]], of_node[here])
    mean, centre = _ratio(raw_sums, counts), _ratio(sums, counts)
    columns = {
        "view": level.view,
        "level": level.level,
        "segment_id": level.ids,
        "parent_segment_id": level.parent_ids,
        "feature": feature.name,
        "label_en": feature.label_en,
        "label_fr": feature.label_fr,
        "mean": mean,
        "median": _medians(raw[ordered], of_node, k),
        "overall_mean": whole_mean,
        "index_vs_all": _index(mean, whole_mean),
        "z": (centre - whole_centre) / (whole_spread or np.nan),
        "parent_mean": np.nan,
        "index_vs_parent": np.nan,
        "z_vs_parent": np.nan,
        "effect_size": effect[level.parent],
        "p_value": p_value[level.parent],
        "customers": level.sizes,
        "customers_known": counts.astype(np.int64),
        "is_circular": [
            (level.view, feature.name) in made
            if number < FIRST_RFM_ID
            else feature.name in RFM_FEATURES
            for number in level.ids
        ],
    }
    if level.level != "segment":
        above, centre_above = _ratio(up[1], up[0]), _ratio(up[2], up[0])
        width = np.where(spread > 0, spread, np.nan)
        columns |= {
            "parent_mean": above[level.parent],
            "index_vs_parent": _index(mean, above[level.parent]),
            "z_vs_parent": (centre - centre_above[level.parent]) / width[level.parent],
        }
    return pd.DataFrame(columns)


def _ratio(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    sums, counts = np.asarray(sums, dtype=float), np.asarray(counts, dtype=float)
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def _index(mean: np.ndarray, reference: float | np.ndarray) -> np.ndarray:
    reference = np.broadcast_to(np.asarray(reference, dtype=float), mean.shape)
    return np.divide(100 * mean, reference, out=np.full(mean.shape, np.nan), where=reference > 0)


def _spread(counts: np.ndarray, sums: np.ndarray, squares: np.ndarray, values: np.ndarray) -> float:
    """Standard deviation out of sums; 0 where the values hardly differ."""
    n = counts.sum()
    if not n or np.ptp(values) <= 1e-9 * max(1.0, float(np.abs(values).max())):
        return 0.0
    return float(np.sqrt(max(squares.sum() / n - (sums.sum() / n) ** 2, 0.0)))


def _medians(ordered: np.ndarray, groups: np.ndarray, k: int) -> np.ndarray:
    """Median of each group of values that are in ascending order."""
    by_group = ordered[np.argsort(groups, kind="stable")]
    counts = np.bincount(groups, minlength=k)
    starts = np.cumsum(counts) - counts
    found = np.full(k, np.nan)
    some = counts > 0
    low = (starts + (counts - 1) // 2)[some]
    high = (starts + counts // 2)[some]
    found[some] = (by_group[low] + by_group[high]) / 2
    return found


def _corrected_and_ranked(table: pd.DataFrame) -> pd.DataFrame:
    """Holm over the features of each comparison; ranks of each segment's differentiators."""
    comparison = table.groupby(
        ["view", "level", table["parent_segment_id"].fillna(0), "feature"], sort=False
    )
    tests = comparison["p_value"].first().to_frame("raw")
    family = tests.groupby(level=[0, 1, 2], sort=False)["raw"]
    corrected = family.transform(lambda p: holm(p.to_numpy(dtype=float)))
    key = pd.MultiIndex.from_arrays(
        [table["view"], table["level"], table["parent_segment_id"].fillna(0), table["feature"]]
    )
    table["p_value"] = corrected.reindex(key).to_numpy()
    against = table["z"].where(table["level"] == "segment", table["z_vs_parent"])
    strength = against.astype(float).abs().where(lambda size: size > 1e-9)
    ordered = table.assign(strength=strength).sort_values("feature", kind="stable")
    table["differentiator_rank"] = ordered.groupby(["view", "level", "segment_id"])[
        "strength"
    ].rank(method="first", ascending=False)
    return table
