"""What is predicted: the seed ``propensity_targets``, checked in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from python_ext.errors import SegmentationError
from python_ext.features import is_true, text_or

SEED = "seeds/reference/propensity_targets.csv"
MEASURES = ("count", "amount")


@dataclass(frozen=True)
class Target:
    """One thing that customers may do within a horizon, and what it is worth to know.

    Attributes
    ----------
    target
        Its code.
    label_en, label_fr, description_en, description_fr
        In words.
    event
        Event of ``int_outcome_events`` that it is about.
    category_rank
        Rank of the only category that counts; None for any.
    measure
        ``count`` or ``amount``: what of the events is summed over the horizon.
    at_least, top_share
        Reached by a sum of at least this, or by being among this share of the eligible.
    happens
        Whether the label is true where it is reached; false for churn.
    eligibility
        Name of the condition on a customer at the cutoff (``macros/targets.sql``).
    horizon_days
        Length of the window after the cutoff.
    contact_cost, hit_gain
        Base currency: cost of each contact, gain of each contacted customer whose label is true.
    """

    target: str
    label_en: str
    label_fr: str
    horizon_days: int
    contact_cost: float
    hit_gain: float
    happens: bool = True
    event: str = "purchase"
    eligibility: str = "any_buyer"
    measure: str = "count"
    at_least: float | None = None
    top_share: float | None = None
    category_rank: int | None = None
    description_en: str = ""
    description_fr: str = ""


def load_targets(
    rows: pd.DataFrame,
    *,
    horizon_days: int,
    labels: Sequence[str] | None = None,
) -> list[Target]:
    """The active targets, in the order of their codes.

    Parameters
    ----------
    rows
        The seed ``propensity_targets``.
    horizon_days
        The spacing of cutoffs: the horizon of a row that names none, and the longest allowed.
    labels
        Targets of the label table, if known. A target that is not among them (its source is
        switched off, or nobody is eligible) is left out.

    Raises
    ------
    SegmentationError
        If a row cannot be meant so; the message names file, row and what to write.
    """
    found: dict[str, Target] = {}
    for row in rows.to_dict("records"):
        target = _target(row, int(horizon_days))
        if target.target in found:
            raise SegmentationError(f"{SEED} repeats the target {target.target}. Keep one row.")
        if is_true(row.get("is_active", True)):
            found[target.target] = target
    known = set(found) if labels is None else set(labels)
    return [found[name] for name in sorted(found) if name in known]


def _target(row: Mapping[str, Any], spacing: int) -> Target:
    name = text_or(row.get("target"), "").strip()
    if not name:
        raise SegmentationError(f"{SEED} has a row without a target. Give it a code.")
    where = f"{SEED}: target {name}"
    measure = text_or(row.get("measure"), "count")
    if measure not in MEASURES:
        raise SegmentationError(
            f"{where} has the measure {measure!r}. Write one of {', '.join(MEASURES)}."
        )
    at_least = _number(row, "at_least", where)
    top_share = _number(row, "top_share", where)
    if (at_least is None) == (top_share is None):
        raise SegmentationError(
            f"{where} must have either at_least (a number to reach) or top_share (the share of the "
            "customers with the most), and has "
            f"{'neither' if at_least is None else 'both'}. Fill one of the two cells."
        )
    if at_least is not None and at_least <= 0:
        raise SegmentationError(
            f"{where} has at_least {at_least:g}, which everybody reaches. Write a number over 0."
        )
    if top_share is not None and not 0 < top_share < 1:
        raise SegmentationError(
            f"{where} has top_share {top_share:g}. Write a share between 0 and 1, such as 0.1."
        )
    return Target(
        target=name,
        label_en=text_or(row.get("label_en"), name.replace("_", " ")),
        label_fr=text_or(row.get("label_fr"), name.replace("_", " ")),
        description_en=text_or(row.get("description_en"), ""),
        description_fr=text_or(row.get("description_fr"), ""),
        event=text_or(row.get("event"), "purchase"),
        eligibility=text_or(row.get("eligibility"), "any_buyer"),
        category_rank=_whole(row, "category_rank", where),
        measure=measure,
        at_least=at_least,
        top_share=top_share,
        happens=is_true(row.get("happens", True)),
        horizon_days=_horizon(row, spacing, where),
        contact_cost=_money(row, "contact_cost", where),
        hit_gain=_money(row, "hit_gain", where),
    )


def _horizon(row: Mapping[str, Any], spacing: int, where: str) -> int:
    days = _whole(row, "horizon_days", where)
    if days is None:
        return spacing
    if not 1 <= days <= spacing:
        raise SegmentationError(
            f"{where} has a horizon of {days} days, and cutoffs are {spacing} days apart "
            "(var horizon_days): label windows of neighbouring cutoffs would overlap. Write "
            f"1 to {spacing}, or nothing for {spacing}."
        )
    return days


def _number(row: Mapping[str, Any], column: str, where: str) -> float | None:
    value = row.get(column)
    if value is None or pd.isna(value) or str(value).strip() == "":
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise SegmentationError(
            f"{where}: {column} must be a number or empty, not {value!r}."
        ) from None


def _whole(row: Mapping[str, Any], column: str, where: str) -> int | None:
    value = _number(row, column, where)
    if value is not None and value != int(value):
        raise SegmentationError(f"{where}: {column} must be a whole number, not {value:g}.")
    return None if value is None else int(value)


def _money(row: Mapping[str, Any], column: str, where: str) -> float:
    value = _number(row, column, where)
    if value is None or not 0 <= value < float("inf"):
        raise SegmentationError(
            f"{where}: {column} must be an amount of 0 or more in the base currency."
        )
    return value
