"""What the cards are made from: the published marts of the models, without a single customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from python_ext.model_cards._facts import Cards, TargetFacts, ValueFacts
from python_ext.report._read import Row, opened, rows_of, withheld

# Mart → columns a card needs. A published file without one of them is of an older version.
NEEDED: Mapping[str, Sequence[str]] = {
    "about": ("dataset", "is_synthetic", "base_currency", "as_of_date", "k_anonymity"),
    "model_targets": ("target", "label_en", "label_fr", "horizon_days", "eligibility"),
    "model_registry": ("model_id", "target", "role", "is_champion", "last_decision"),
    "model_metrics": ("model_id", "target", "algorithm", "split", "metric", "value"),
    "model_features": ("target", "feature", "is_used", "importance", "direction"),
    "model_reliability": ("target", "bin", "predicted", "actual", "is_off"),
    "model_gains": ("target", "decile", "cumulative_gain", "lift"),
    "model_profits": ("target", "percent", "gain", "actual_profit", "is_worthwhile"),
    "model_groups": ("target", "attribute", "group_value", "customers", "reading_en"),
    "feature_drift": ("comparison", "feature", "psi", "reading", "alarm", "is_latest"),
    "model_decay": ("target", "metric", "value", "verdict", "is_alarm", "is_latest"),
    "value_models": ("as_of_date", "model", "predicts", "is_champion", "parameters"),
    "value_calibration": ("model", "frequency_group", "customers", "actual_purchases"),
    "customer_scores": ("target", "probability"),
    "customer_value": ("expected_value",),
}
# These are counted and summed, and never read row by row.
OF_CUSTOMERS = ("customer_scores", "customer_value")
# Marts whose groups are shown only where they are large enough, and what a whole is made of.
GROUPED = {
    "model_reliability": ("target",),
    "model_gains": ("target",),
    "model_groups": ("target", "attribute"),
    "value_calibration": ("model",),
}


def read_cards(file: Path) -> Cards:
    """Read a published file.

    Parameters
    ----------
    file
        ``publish/segments.duckdb``; opened read-only.

    Raises
    ------
    SegmentationError
        The file is missing, is no published file, or is of an older version.
    """
    with opened(file, NEEDED) as (connection, about):
        return cards_of(connection, about)


def cards_of(connection: duckdb.DuckDBPyConnection, about: Row) -> Cards:
    """The same from an open published file and its row of ``marts.about``."""
    tables = {
        mart: rows_of(connection, mart) for mart in NEEDED if mart not in ("about", *OF_CUSTOMERS)
    }
    scored, worth = _scored(connection), _worth(connection)
    floor = int(about.get("k_anonymity") or 1)
    for mart, whole in GROUPED.items():
        tables[mart] = large_enough(tables[mart], whole, floor)
    return Cards(
        about=about,
        targets=[
            _target(row, tables, scored.get(row["target"]), floor)
            for row in tables["model_targets"]
        ],
        value=_value(tables, worth, floor),
    )


def large_enough(rows: list[Row], whole: Sequence[str], floor: int) -> list[Row]:
    """The groups that may be shown.

    The marts withhold already; a card that trusted them blindly would be one fault away from
    telling of a handful.
    """
    wholes: dict[tuple, list[Row]] = {}
    for row in rows:
        if not row.get("is_withheld") and row.get("customers") is not None:
            wholes.setdefault(tuple(row[column] for column in whole), []).append(row)
    return [
        row
        for group in wholes.values()
        for row, hidden in zip(
            group, withheld([row["customers"] for row in group], floor), strict=True
        )
        if not hidden
    ]


def _scored(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, float]]:
    rows = connection.execute(
        "select target, count(*), avg(probability) from marts.customer_scores group by target"
    ).fetchall()
    return {target: (count, mean) for target, count, mean in rows}


def _worth(connection: duckdb.DuckDBPyConnection) -> tuple[int, float | None]:
    return connection.execute(
        "select count(expected_value), cast(sum(expected_value) as double) "
        "from marts.customer_value"
    ).fetchone()


def _target(
    row: Row, tables: Mapping[str, list[Row]], scored: tuple[int, float] | None, floor: int
) -> TargetFacts:
    target = row["target"]
    own = {
        mart: [found for found in rows if found.get("target") == target]
        for mart, rows in tables.items()
    }
    champion = next((r for r in own["model_registry"] if r["is_champion"]), None)
    used = {r["feature"] for r in own["model_features"] if r["is_used"]} | {f"score:{target}"}
    own["feature_drift"] = [
        r for r in tables["feature_drift"] if r["is_latest"] and r["feature"] in used
    ]
    return TargetFacts(
        row=row,
        champion=champion,
        scored=scored if scored and scored[0] >= floor else None,
        tables=own,
    )


def _value(
    tables: Mapping[str, list[Row]], worth: tuple[int, float | None], floor: int
) -> ValueFacts:
    rows: list[dict[str, Any]] = tables["value_models"]
    last = max((row["as_of_date"] for row in rows), default=None)
    return ValueFacts(
        models={row["model"]: row for row in rows if row["as_of_date"] == last},
        calibration=tables["value_calibration"],
        customers=worth[0] if worth[0] >= floor else None,
        expected=worth[1] if worth[0] >= floor else None,
    )
