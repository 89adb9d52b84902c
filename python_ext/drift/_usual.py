"""How far a feature moves anyway, as customers grow older and seasons pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from python_ext.drift._distributions import count_bins, fix_bins
from python_ext.drift._stability import SEVERITIES, compare_counts, usual_limit
from python_ext.features import Feature


def usual_drift(
    past: pd.DataFrame, feature: Feature, *, days: int, cutoff: str = "cutoff_on"
) -> float | None:
    """The largest PSI between two earlier cutoffs that lie so many days apart.

    Parameters
    ----------
    past
        Rows of earlier cutoffs, none of them after the reference.
    days
        Distance of the step in question. Of the pairs of cutoffs at least as far apart the
        nearest are taken; the farthest there are, where none is.
    cutoff
        Column with the date of the cutoff.

    Returns
    -------
    float or None
        None with fewer than two cutoffs.
    """
    parts = {
        pd.Timestamp(on): part
        for on, part in past[[cutoff, feature.name]].groupby(cutoff, sort=True)
    }
    dates = list(parts)
    gaps = {
        (first, second): (second - first).days
        for place, first in enumerate(dates)
        for second in dates[place + 1 :]
    }
    if not gaps:
        return None
    enough = [gap for gap in gaps.values() if gap >= days]
    # Cutoffs are a horizon apart, to the day.
    wanted = min(enough) if enough else max(gaps.values())
    found = []
    for (first, second), gap in gaps.items():
        if gap == wanted:
            bins = fix_bins(parts[first], feature)
            counts = [count_bins(parts[on], feature, bins) for on in (first, second)]
            found.append(compare_counts(*np.array(counts, dtype=float))["psi"])
    return max(found)


def mark_usual(
    rows: Iterable[Mapping[str, Any]],
    past: pd.DataFrame,
    features: Iterable[Feature],
    *,
    days: int,
    cutoff: str = "cutoff_on",
) -> list[dict[str, Any]]:
    """Rows of ``measure_drift`` with ``usual_psi`` and ``is_usual``.

    The tenure of everybody grows with the calendar, and a shop has seasons. A feature whose PSI is
    no larger, beyond chance, than it was before between two cutoffs as far apart has moved as it
    usually does. Only features that are not stable are looked at; ``usual_psi`` of others is None.

    Parameters
    ----------
    past, days, cutoff
        As in ``usual_drift``.
    """
    by_name = {feature.name: feature for feature in features}
    marked = []
    for row in rows:
        usual = None
        if row["severity"] != SEVERITIES[0]:
            usual = usual_drift(past, by_name[row["feature"]], days=days, cutoff=cutoff)
        is_usual = usual is not None and row["psi"] <= usual_limit(
            usual, row["critical"], row["customers_before"], row["customers"]
        )
        marked.append({**row, "usual_psi": usual, "is_usual": is_usual})
    return marked
