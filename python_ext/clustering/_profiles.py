"""What marks each segment: means, indices, effect sizes and corrected p-values."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
from scipy import stats

from python_ext.clustering._model import CUSTOMER_KEY
from python_ext.features import (
    feature_matrix,
    select_features,
    transformed,
    with_category_labels,
)
from python_ext.frames import Schema

PROFILES_SCHEMA = Schema(
    {
        "level": "string",
        "segment_id": "bigint",
        "feature": "string",
        "label_en": "string",
        "label_fr": "string",
        "mean": "double",
        "median": "double",
        "overall_mean": "double",
        "index_vs_all": "double",
        "z": "double",
        "effect_size": "double",
        "p_value": "double",
        "differentiator_rank": "bigint",
        "customers": "bigint",
        "customers_known": "bigint",
        "is_circular": "boolean",
    },
    key=("level", "segment_id", "feature"),
)


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's step-down correction (1979); NaN stays NaN and does not count as a test."""
    corrected = np.full(len(p_values), np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    raised = p_values[order] * (len(order) - np.arange(len(order)))
    corrected[order] = np.minimum(np.maximum.accumulate(raised), 1.0)
    return corrected


def eta_squared(values: np.ndarray, groups: np.ndarray) -> float:
    """Share of the variance that lies between groups, 0–1; NaN without variance or groups."""
    known = ~np.isnan(values)
    values, groups = values[known], groups[known]
    total = float(((values - values.mean()) ** 2).sum()) if len(values) else 0.0
    if total <= 1e-12 * max(1.0, float((values**2).sum())) or len(np.unique(groups)) < 2:
        return np.nan
    sums, counts = np.bincount(groups, weights=values), np.bincount(groups)
    present = counts > 0
    means = sums[present] / counts[present]
    return float((counts[present] * (means - values.mean()) ** 2).sum() / total)


def kruskal_p(values: np.ndarray, groups: np.ndarray) -> float:
    """p-value of the Kruskal-Wallis test; NaN where it is not defined."""
    known = ~np.isnan(values)
    parts = [values[known & (groups == g)] for g in np.unique(groups[known])]
    if len(parts) < 2 or len(np.unique(values[known])) < 2:
        return np.nan
    return float(stats.kruskal(*parts).pvalue)


def profile_segments(
    clusters: pd.DataFrame,
    frame: pd.DataFrame,
    definitions: pd.DataFrame,
    *,
    sources: Mapping[str, bool] | str | None = None,
    categories: pd.DataFrame | None = None,
    made_from: Collection[str] = (),
    level: str = "segment",
) -> pd.DataFrame:
    """Describe each segment by every feature of the seed whose source is on.

    Parameters
    ----------
    clusters
        ``customer_key`` and ``segment_id``.
    frame
        ``customer_key`` and feature columns.
    definitions, sources
        As in ``features.select_features``.
    categories
        ``category_rank`` and ``category``: what stands behind taste_1, taste_2, …, for the labels.
    made_from
        Features the segments were made from: testing those is circular.
    level
        Written into the rows.

    Returns
    -------
    pandas.DataFrame
        Columns of ``PROFILES_SCHEMA``, one row per segment and feature. Means and medians are in
        the feature's own unit. ``z`` (difference of the segment's mean from that of all, in
        standard deviations of all) and ``effect_size`` (eta squared) are on the scale of the
        feature's transform, so that one huge spender does not hide the rest. ``p_value`` is
        Kruskal-Wallis over segments, Holm-corrected over features. With thousands of customers
        it is tiny for any feature, and where ``is_circular`` it tests what made the segments:
        read the effect size.
    """
    features = select_features(definitions, frame.columns, sources=sources)
    features = with_category_labels(features, categories)
    joined = frame.merge(clusters[[CUSTOMER_KEY, "segment_id"]], on=CUSTOMER_KEY)
    joined = joined.sort_values(CUSTOMER_KEY, kind="stable")
    segment = joined["segment_id"].to_numpy(dtype=int)
    values = feature_matrix(joined, features, transform=False)
    corrected = holm(np.array([kruskal_p(values[:, j], segment) for j in range(len(features))]))
    records = []
    for j, feature in enumerate(features):
        raw, scaled = values[:, j], transformed(values[:, j], feature.transform)
        effect = eta_squared(scaled, segment)
        overall, center, spread = _mean(raw), _mean(scaled), _deviation(scaled)
        for number in np.unique(segment):
            inside = segment == number
            mean = _mean(raw[inside])
            records.append(
                {
                    "segment_id": number,
                    "feature": feature.name,
                    "label_en": feature.label_en,
                    "label_fr": feature.label_fr,
                    "mean": mean,
                    "median": float(np.nanmedian(raw[inside])) if mean == mean else np.nan,
                    "overall_mean": overall,
                    "index_vs_all": 100 * mean / overall if overall > 0 else np.nan,
                    "z": (_mean(scaled[inside]) - center) / spread if spread > 0 else np.nan,
                    "effect_size": effect,
                    "p_value": corrected[j],
                    "customers": int(inside.sum()),
                    "customers_known": int((~np.isnan(raw[inside])).sum()),
                    "is_circular": feature.name in made_from,
                }
            )
    table = pd.DataFrame(records, columns=[c for c in PROFILES_SCHEMA if c != "level"])
    strength = table["z"].astype(float).abs().where(lambda size: size > 1e-9)
    table["differentiator_rank"] = strength.groupby(table["segment_id"]).rank(
        method="first", ascending=False
    )
    return table.assign(level=level)[list(PROFILES_SCHEMA)]


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan


def _deviation(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    if not len(known) or np.ptp(known) <= 1e-9 * max(1.0, float(np.abs(known).max())):
        return 0.0
    return float(known.std())
