"""How features are distributed, and how far from a stored distribution they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from python_ext.drift._stability import (
    DriftLimits,
    compare_counts,
    critical_new_share,
    critical_share_change,
    judge_severity,
)
from python_ext.features import Feature, feature_matrix

BINS = 10
# Fewest customers of a category that is named; smaller ones are pooled as `other`.
FLOOR = 10
# A column of more levels than that is closer to free text than to a category.
MOST_LEVELS = 50
# Of a value. The mean of a shop stands for all of whom nothing else is known: were it to cross the
# edge of a bin by a cent, a third of the customers would seem to have changed.
NUDGE = 0.01
CATEGORY = "category"


def describe_distribution(
    frame: pd.DataFrame, features: Iterable[Feature], *, floor: int = FLOOR
) -> dict[str, Any]:
    """Bins of each feature, fixed on these rows, and how many customers each holds.

    Numbers are cut at their deciles, of a category each level of at least ``floor`` customers is a
    bin.

    Parameters
    ----------
    frame
        Rows of one cutoff: the customers a model is used on. Not several cutoffs together, for
        tenure and recency of everybody move with the calendar, and a pool hides by how much.
    features
        Numbers and categories.
    floor
        Fewest customers of a level that is named.

    Returns
    -------
    dict
        Feature → ``edges`` (inner, ascending) and ``counts``, the last of the rows whose value is
        unknown. Of a category ``levels`` (sorted) and ``counts``, the last but one of all other
        levels together. Plain lists, for JSON.
    """
    described = {}
    for feature in features:
        bins = fix_bins(frame, feature, floor=floor)
        described[feature.name] = {**bins, "counts": count_bins(frame, feature, bins).tolist()}
    return described


def fix_bins(frame: pd.DataFrame, feature: Feature, *, floor: int = FLOOR) -> dict[str, list]:
    """``edges`` of a number or ``levels`` of a category, as these rows give them."""
    if is_category(feature):
        sizes = _levels(frame, feature).value_counts()
        sizes = sizes[sizes >= max(floor, 1)]
        # The largest, by name where they are as large.
        largest = sorted(sizes.items(), key=lambda level: (-level[1], level[0]))[:MOST_LEVELS]
        return {"levels": sorted(name for name, _ in largest)}
    column = _numbers(frame, feature)
    known = column[~np.isnan(column)]
    steps = np.arange(1, BINS) / BINS
    # An actual value and not one between two: a tie must not lie across an edge.
    edges = np.unique(np.quantile(known, steps, method="lower")) if len(known) else np.empty(0)
    if len(edges) == 1:
        # Of nearly a constant: what is under it must not be taken for it.
        edges = np.array([np.nextafter(edges[0], -np.inf), edges[0]])
    return {"edges": edges.tolist()}


def count_bins(frame: pd.DataFrame, feature: Feature, bins: Mapping[str, Any]) -> np.ndarray:
    """Customers per bin (each closed at its upper edge), those of an unknown value last."""
    if "levels" in bins:
        values, levels = _levels(frame, feature), pd.Index(bins["levels"], dtype=object)
        places = levels.get_indexer(pd.Index(values.dropna(), dtype=object))
        places = np.where(places < 0, len(levels), places)
        counts, unknown = np.bincount(places, minlength=len(levels) + 1), values.isna().sum()
        return np.append(counts, int(unknown))
    column, edges = _numbers(frame, feature), np.array(bins["edges"], dtype=float)
    known = column[~np.isnan(column)]
    counts = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
    return np.append(counts, len(column) - len(known))


def count_others(
    frame: pd.DataFrame, feature: Feature, bins: Mapping[str, Any], *, floor: int = FLOOR
) -> dict[str, int]:
    """Customers of each level that has no bin but is no smaller than the floor, largest first."""
    if "levels" not in bins:
        return {}
    sizes = _levels(frame, feature).value_counts()
    others = sizes[~sizes.index.isin(bins["levels"]) & (sizes >= max(floor, 1))]
    ordered = sorted(others.items(), key=lambda level: (-level[1], level[0]))
    return {name: int(size) for name, size in ordered[:MOST_LEVELS]}


def measure_drift(
    frame: pd.DataFrame,
    features: Iterable[Feature],
    reference: Mapping[str, Any],
    *,
    limits: DriftLimits | None = None,
    floor: int = FLOOR,
) -> list[dict[str, Any]]:
    """Each feature of these rows against ``describe_distribution``, beside what chance gives.

    What is undone when every value is one per cent (``NUDGE``) lower is no drift.
    A feature the reference does not know, or knows as a number when it is a category now, is left
    out: nothing can be said of it.

    Parameters
    ----------
    frame
        Rows of one cutoff.
    features
        Those to compare.
    reference
        What ``describe_distribution`` gave, or its JSON.
    limits
        Of the severity; by default those of ``DriftLimits``.
    floor
        That of the reference.

    Returns
    -------
    list of dict
        feature, and what ``compare_distributions`` gives; the largest PSI first.
    """
    found = []
    for feature in features:
        stored = reference.get(feature.name)
        if stored is None or ("levels" in stored) != is_category(feature):
            continue
        others = count_others(frame, feature, stored, floor=floor)
        compared = [
            compare_distributions(
                stored,
                {"counts": count_bins(values, feature, stored).tolist(), "others": others},
                limits=limits,
                floor=floor,
            )
            for values in _nudged(frame, feature)
        ]
        nearest = min(compared, key=lambda row: row["psi"])
        found.append({"feature": feature.name, **nearest})
    return sorted(found, key=lambda row: (-row["psi"], row["feature"]))


def _nudged(frame: pd.DataFrame, feature: Feature) -> list[pd.DataFrame]:
    """The column as it is and, of a number, a little lower.

    Bins are closed at their upper edge, so only a value that rises crosses its own. Nudged upwards,
    whoever fell from two purchases to one would lie in the bin of two.
    """
    if is_category(feature):
        return [frame]
    values = frame[feature.name].to_numpy(dtype=float, na_value=np.nan)
    lower = values * (1 - NUDGE * np.sign(values))
    return [pd.DataFrame({feature.name: column}) for column in (values, lower)]


def compare_distributions(
    before: Mapping[str, Any],
    now: Mapping[str, Any],
    *,
    limits: DriftLimits | None = None,
    floor: int = FLOOR,
) -> dict[str, Any]:
    """Two distributions over the same bins.

    Parameters
    ----------
    before
        ``counts``; of a category ``levels`` too, and ``others`` (level → customers) where known.
    now
        ``counts`` over the bins of ``before``, and ``others``.

    Returns
    -------
    dict
        customers_before, customers, psi, critical, null_share_before, null_share, null_change,
        null_critical, new_categories (names, largest first), new_category_share and severity. A
        category is new when fewer than the floor had it before, and that cannot be chance.
    """
    expected = np.array(before["counts"], dtype=float)
    actual = np.array(now["counts"], dtype=float)
    sizes = int(expected.sum()), int(actual.sum())
    shares = [
        float(counts[-1] / size) if size else 0.0
        for counts, size in zip((expected, actual), sizes, strict=True)
    ]
    new = _new_categories(before, now, sizes, floor=floor)
    row = {
        "customers_before": sizes[0],
        "customers": sizes[1],
        **compare_counts(expected, actual),
        "null_share_before": shares[0],
        "null_share": shares[1],
        "null_change": shares[1] - shares[0] if all(sizes) else 0.0,
        "null_critical": critical_share_change(shares[0], sizes[0], shares[1], sizes[1]),
        "new_categories": list(new),
        "new_category_share": sum(new.values()) / sizes[1] if sizes[1] else 0.0,
    }
    return {**row, "severity": judge_severity(row, limits=limits)}


def _new_categories(
    before: Mapping[str, Any], now: Mapping[str, Any], sizes: tuple[int, int], *, floor: int
) -> dict[str, int]:
    if "levels" not in before:
        return {}
    levels = list(before["levels"])
    had = {**before.get("others", {}), **dict(zip(levels, before["counts"], strict=False))}
    has = {**now.get("others", {}), **dict(zip(levels, now["counts"], strict=False))}
    least = critical_new_share(sizes[0], floor) * sizes[1]
    new = {
        name: int(size)
        for name, size in has.items()
        if had.get(name, 0) < floor <= size and size > least
    }
    return dict(sorted(new.items(), key=lambda level: (-level[1], level[0])))


def is_category(feature: Feature) -> bool:
    """Whether the feature is a text and not a number."""
    return feature.kind == CATEGORY


def _numbers(frame: pd.DataFrame, feature: Feature) -> np.ndarray:
    return feature_matrix(frame, [feature], transform=False)[:, 0]


def _levels(frame: pd.DataFrame, feature: Feature) -> pd.Series:
    """Trimmed texts; what is empty is unknown."""
    values = frame[feature.name].astype(object).where(frame[feature.name].notna(), None)
    texts = values.map(lambda value: str(value).strip() or None, na_action="ignore")
    return texts.astype(object)
