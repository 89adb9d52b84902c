"""What each build remembers: how features and scores were distributed at its cutoffs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from python_ext.drift._distributions import (
    CATEGORY,
    FLOOR,
    count_bins,
    count_others,
    fix_bins,
    is_category,
)
from python_ext.features import Feature, of_customers
from python_ext.frames import Schema

# A reference is renewed after a year, for bins of long ago may hold everybody in one.
REFERENCE_DAYS = 365
SCORE = "score:"
# Cutoffs as `int_cutoffs` names them.
TODAY = "score"

DISTRIBUTIONS_SCHEMA = Schema(
    {
        "as_of_date": "date",
        "cutoff_name": "string",
        "feature": "string",
        "reference_on": "date",
        "cutoff_on": "date",
        "kind": "string",
        "model_id": "string",
        "customers": "bigint",
        "null_share": "double",
        "bins": "string",
        "counts": "string",
        "others": "string",
    },
    key=("as_of_date", "cutoff_name", "feature", "reference_on"),
)


def remember_distributions(
    customers: pd.DataFrame,
    features: Iterable[Feature],
    scores: pd.DataFrame,
    memory: pd.DataFrame | None,
    *,
    as_of: date,
    reference_days: int = REFERENCE_DAYS,
    floor: int = FLOOR,
) -> list[dict[str, Any]]:
    """Today's rows of ``ml_feature_distributions``.

    The bins of a feature are fixed in the first build that has it, on the customers of all its past
    cutoffs (of today where there are none), and kept, so that builds can be compared. They are
    fixed anew after ``reference_days`` or when a number became a category. In that build today's
    customers are counted in the old bins too, so that no comparison is lost.

    Parameters
    ----------
    customers
        A row per customer and cutoff: ``cutoff_name``, ``cutoff_on`` and the features.
    features
        Those that learn. The calendar's are left out: each cutoff has another value by nature.
    scores
        ``target``, ``cutoff_name``, ``probability`` and ``model_id``. They are remembered as
        features called ``score:<target>``.
    memory
        The table as it was; rows of this date or later are not looked at. None in the first build.
    as_of
        Today.
    floor
        Fewest customers of a category that is named.

    Returns
    -------
    list of dict
        Columns of ``DISTRIBUTIONS_SCHEMA``.
    """
    day, known = pd.Timestamp(as_of), _earlier(memory, as_of)
    dates = customers.drop_duplicates("cutoff_name").set_index("cutoff_name")["cutoff_on"]
    rows = []
    for source, feature in [
        *((customers, feature) for feature in of_customers(features)),
        *_score_features(scores),
    ]:
        frame = source[[c for c in ("cutoff_name", "model_id", feature.name) if c in source]]
        last = known[(known["feature"] == feature.name) & (known["kind"] == kind_of(feature))]
        references = {}
        if len(last):
            newest = last.sort_values(["reference_on", "as_of_date"]).iloc[-1]
            references[newest["reference_on"]] = json.loads(newest["bins"])
        fixed_on = max(references, default=None)
        if fixed_on is None or (day - fixed_on).days > reference_days:
            references[day] = fix_bins(_past(frame), feature, floor=floor)
        for reference_on, bins in references.items():
            for cutoff, part in frame.groupby("cutoff_name", sort=True):
                if reference_on != max(references) and cutoff != TODAY:
                    continue
                rows.append(
                    {
                        "as_of_date": day.date(),
                        "cutoff_name": cutoff,
                        "reference_on": reference_on.date(),
                        "cutoff_on": pd.Timestamp(dates[cutoff]).date(),
                        "model_id": part["model_id"].iloc[0] if "model_id" in part else None,
                        **_described(part, feature, bins, floor=floor),
                    }
                )
    return rows


def kind_of(feature: Feature) -> str:
    """``number`` or ``category``."""
    return CATEGORY if is_category(feature) else "number"


def _described(
    part: pd.DataFrame, feature: Feature, bins: Mapping[str, Any], *, floor: int
) -> dict[str, Any]:
    counts = count_bins(part, feature, bins)
    return {
        "feature": feature.name,
        "kind": kind_of(feature),
        "customers": int(counts.sum()),
        "null_share": float(counts[-1] / max(counts.sum(), 1)),
        "bins": json.dumps(bins, ensure_ascii=False),
        "counts": json.dumps(counts.tolist()),
        "others": json.dumps(count_others(part, feature, bins, floor=floor), ensure_ascii=False),
    }


def _past(frame: pd.DataFrame) -> pd.DataFrame:
    past = frame[frame["cutoff_name"] != TODAY]
    return past if len(past) else frame


def _earlier(memory: pd.DataFrame | None, as_of: date) -> pd.DataFrame:
    if memory is None:
        memory = pd.DataFrame(columns=list(DISTRIBUTIONS_SCHEMA))
    dated = memory.assign(
        as_of_date=pd.to_datetime(memory["as_of_date"]),
        reference_on=pd.to_datetime(memory["reference_on"]),
    )
    return dated[dated["as_of_date"] < pd.Timestamp(as_of)]


def _score_features(scores: pd.DataFrame) -> Iterable[tuple[pd.DataFrame, Feature]]:
    for target, part in scores.groupby("target", sort=True):
        name = f"{SCORE}{target}"
        columns = part[["cutoff_name", "model_id", "probability"]]
        label = f"Score {target}"
        yield (
            columns.rename(columns={"probability": name}),
            Feature(name, "score", "none", label, label, imputation="flag"),
        )


def restore_counts(row: Mapping[str, Any]) -> dict[str, Any]:
    """A stored row as ``compare_distributions`` takes it."""
    return {
        **json.loads(row["bins"]),
        "counts": np.array(json.loads(row["counts"])),
        "others": json.loads(row["others"]),
    }
