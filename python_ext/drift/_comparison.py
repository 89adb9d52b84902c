"""Cutoff against cutoff and build against build: what moved, and whether it always does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pandas as pd

from python_ext.drift._distributions import FLOOR, compare_distributions
from python_ext.drift._memory import SCORE, TODAY, restore_counts
from python_ext.drift._stability import (
    SEVERITIES,
    DriftLimits,
    judge_severity,
    usual_limit,
)
from python_ext.features import text_or
from python_ext.frames import Schema

YEAR = 365
# What moved longer ago than that no longer counts as usual.
DAYS_REMEMBERED = 2 * YEAR
STABLE = SEVERITIES[0]

DRIFT_SCHEMA = Schema(
    {
        "comparison": "string",
        "feature": "string",
        "from_on": "date",
        "to_on": "date",
        "from_cutoff": "string",
        "to_cutoff": "string",
        "kind": "string",
        "reference_on": "date",
        "from_customers": "bigint",
        "to_customers": "bigint",
        "psi": "double",
        "critical": "double",
        "usual_psi": "double",
        "null_share_before": "double",
        "null_share": "double",
        "null_change": "double",
        "null_critical": "double",
        "usual_null_change": "double",
        "new_categories": "string",
        "new_category_share": "double",
        "is_latest": "boolean",
        "is_model_changed": "boolean",
        "has_year": "boolean",
        "severity": "string",
        "reading": "string",
        "alarm": "string",
    },
    key=("comparison", "feature", "from_on"),
)


def list_drift(
    distributions: pd.DataFrame,
    *,
    as_of: date,
    limits: DriftLimits | None = None,
    floor: int = FLOOR,
) -> list[dict[str, Any]]:
    """Rows of ``ml_feature_drift`` for the build of a day.

    Comparison ``cutoffs`` sets each cutoff of this build against the next later one; ``builds`` the
    customers of the last build with an earlier date against today's. Only distributions over the
    same bins are compared, and only of at least ``floor`` customers each.

    Whether a feature has drifted is not read off the PSI alone, for shops have seasons and
    customers grow older. ``usual_psi`` is the largest PSI of the feature between two neighbouring
    cutoffs that lie before the step in question, at most two years back; of a score, between the
    test and the score cutoff of earlier builds with the same model. See ``read_drift``.

    Parameters
    ----------
    distributions
        The table ``ml_feature_distributions``, this build included.
    as_of
        The day.
    """
    limits = limits or DriftLimits()
    memory = distributions.assign(
        as_of_date=pd.to_datetime(distributions["as_of_date"]),
        cutoff_on=pd.to_datetime(distributions["cutoff_on"]),
        reference_on=pd.to_datetime(distributions["reference_on"]),
    )
    memory = memory[memory["as_of_date"] <= pd.Timestamp(as_of)]
    rows: list[dict[str, Any]] = []
    for _, history in memory.groupby("feature", sort=True):
        compared = [
            {**said, **_compare(before, now, limits=limits, floor=floor)}
            for said, before, now in _pairs(history, pd.Timestamp(as_of))
            if min(before["customers"], now["customers"]) >= floor
        ]
        for row in compared:
            if row["is_listed"]:
                read = read_drift({**row, **_usual(row, compared)}, limits=limits)
                rows.append({column: read[column] for column in DRIFT_SCHEMA})
    return rows


def read_drift(row: Mapping[str, Any], *, limits: DriftLimits | None = None) -> dict[str, Any]:
    """The row with its ``reading`` and ``alarm``.

    ``alarm`` is the severity of what is not explained, or ``none``. Explained is

    - ``past``: a step between two earlier cutoffs, shown to be compared with;
    - ``other_model``: a score that another model gives now;
    - ``usual``: it moved no further than it did before (beyond chance);
    - ``unjudged``: between cutoffs, with less than a year of earlier steps, where a season cannot
      be told from drift.

    All else that is not ``stable`` has ``drifted``. A new category always has.
    """
    unusual = dict(row)
    sizes = row["from_customers"], row["to_customers"]
    usual = row["usual_psi"]
    if usual is not None and row["psi"] <= usual_limit(usual, row["critical"], *sizes):
        unusual["psi"] = 0.0
    null_change = abs(row["null_change"])
    if (
        row["usual_null_change"] is not None
        and null_change <= row["usual_null_change"] + row["null_critical"]
    ):
        unusual["null_change"] = 0.0
    alarm = judge_severity(unusual, limits=limits)
    if row["comparison"] == "cutoffs" and not row["has_year"]:
        judged = judge_severity({**unusual, "psi": 0.0, "null_change": 0.0}, limits=limits)
    else:
        judged = alarm
    if row["severity"] == STABLE:
        reading = STABLE
    elif not row["is_latest"]:
        reading = "past"
    elif row["is_model_changed"]:
        reading = "other_model"
    elif alarm == STABLE:
        reading = "usual"
    else:
        reading = "unjudged" if judged == STABLE else "drifted"
    return {**row, "reading": reading, "alarm": judged if reading == "drifted" else "none"}


def _pairs(
    history: pd.DataFrame, day: pd.Timestamp
) -> Iterator[tuple[dict[str, Any], Mapping[str, Any], Mapping[str, Any]]]:
    """Pairs of rows of one feature: those of today, and those that say what is usual."""
    is_score = str(history["feature"].iloc[0]).startswith(SCORE)
    for built_on, build in history.groupby("as_of_date", sort=True):
        if built_on != day and not is_score:
            continue
        newest = build[build["reference_on"] == build["reference_on"].max()]
        ordered = newest.sort_values("cutoff_on").to_dict("records")
        for before, now in zip(ordered, ordered[1:], strict=False):
            said = {"comparison": "cutoffs", "is_listed": built_on == day}
            yield {**said, "is_latest": now["cutoff_name"] == TODAY}, before, now
    today = history[(history["as_of_date"] == day) & (history["cutoff_name"] == TODAY)]
    earlier = history[(history["as_of_date"] < day) & (history["cutoff_name"] == TODAY)]
    last = earlier[earlier["as_of_date"] == earlier["as_of_date"].max()]
    both = last.merge(today[["reference_on"]], on="reference_on").sort_values("reference_on")
    if len(both):
        before = both.iloc[-1].to_dict()
        now = today[today["reference_on"] == before["reference_on"]].iloc[0].to_dict()
        yield {"comparison": "builds", "is_listed": True, "is_latest": True}, before, now


def _compare(
    before: Mapping[str, Any], now: Mapping[str, Any], *, limits: DriftLimits, floor: int
) -> dict[str, Any]:
    found = compare_distributions(
        restore_counts(before), restore_counts(now), limits=limits, floor=floor
    )
    return {
        **found,
        "new_categories": ", ".join(found["new_categories"]) or None,
        "feature": now["feature"],
        "kind": now["kind"],
        "reference_on": now["reference_on"].date(),
        "from_on": before["cutoff_on"].date(),
        "to_on": now["cutoff_on"].date(),
        "from_cutoff": before["cutoff_name"],
        "to_cutoff": now["cutoff_name"],
        "from_customers": int(before["customers"]),
        "to_customers": int(now["customers"]),
        # Features have no model.
        "is_model_changed": text_or(before["model_id"], "") != text_or(now["model_id"], ""),
    }


def _usual(row: Mapping[str, Any], compared: list[dict[str, Any]]) -> dict[str, Any]:
    """How far the feature moved in the steps that ended before this one began."""
    earlier = [
        step
        for step in compared
        if step["comparison"] == "cutoffs"
        and step["to_on"] <= row["from_on"]
        and (row["to_on"] - step["to_on"]).days <= DAYS_REMEMBERED
        and not step["is_model_changed"]
    ]
    start = min((step["from_on"] for step in earlier), default=row["to_on"])
    return {
        "usual_psi": max((step["psi"] for step in earlier), default=None),
        "usual_null_change": max((abs(step["null_change"]) for step in earlier), default=None),
        "has_year": (row["to_on"] - start).days >= YEAR,
    }
