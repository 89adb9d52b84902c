"""The models in the summary: a table of the scores, the value of customers, and what to mind."""

from typing import Any

import duckdb
from rich.table import Table
from rich.text import Text

from python_ext.model_cards import Cards, TargetFacts, cards_of

MOST_DRIFTS = 3
MOST_GROUPS = 3
RECENCY = "recency_alone"
DECISION = {
    "kept": "kept",
    "first": "trained",
    "promoted": "promoted",
    "refused": "challenger refused",
    "rolled_back": "rolled back",
    "not_trained": "not trained",
}


def read_models(connection: duckdb.DuckDBPyConnection) -> Cards:
    """What an open published file says of the models."""
    about = connection.execute("select base_currency, k_anonymity from marts.about")
    names = [column[0] for column in about.description]
    return cards_of(connection, dict(zip(names, about.fetchone(), strict=True)))


def fill_scores(table: Table, cards: Cards) -> None:
    """Add a row per target: champion, figures out of time, and what this run decided."""
    for facts in cards.targets:
        if facts.champion is None:
            table.add_row(facts.name, "none", *["-"] * 5)
            continue
        decision = DECISION[facts.decision or "not_trained"]
        if not facts.is_learned:
            table.add_row(facts.name, "prevalence (no model)", *["-"] * 4, decision)
            continue
        auc = facts.metric("auc") or {"value": None, "ci_low": None, "ci_high": None}
        interval = "-"
        if auc["ci_low"] is not None and auc["ci_high"] is not None:
            interval = f"{auc['ci_low']:.3f} to {auc['ci_high']:.3f}"
        table.add_row(
            facts.name,
            facts.champion["algorithm"],
            _number(auc["value"], 3),
            interval,
            _number(facts.value("auc", RECENCY), 3),
            _number(facts.value("lift_top_decile"), 1),
            decision,
        )


def value_line(cards: Cards) -> Text | None:
    """Who gives the expected value of customers, and what it adds up to."""
    champion = cards.value.champion
    if champion is None or cards.value.expected is None:
        return None
    total = f"{cards.value.expected:,.0f} {cards.about.get('base_currency') or ''}".rstrip()
    return Text(
        f"Customer value: {total} of net revenue expected in the horizon from "
        f"{cards.value.customers:,} customers, by {champion['model']}."
    )


def model_warnings(cards: Cards) -> list[str]:
    """What to mind before a score is used, one sentence each."""
    learned = [facts for facts in cards.targets if facts.is_learned]
    found = [
        f"Decayed: {row['finding']}. See marts.model_decay."
        for facts in learned
        for row in facts.decayed
    ]
    found += _drifts(learned)
    for facts in learned:
        if facts.off:
            ranges = len(facts.tables["model_reliability"])
            found.append(
                f"The probabilities of {facts.name} did not come true in {len(facts.off)} of "
                f"{ranges} ranges: see marts.model_reliability."
            )
        if facts.unfair:
            names = ", ".join(_group(row) for row in facts.unfair[:MOST_GROUPS])
            rest = len(facts.unfair) - MOST_GROUPS
            more = f" and {rest} more" if rest > 0 else ""
            found.append(
                f"The score {facts.name} serves some groups notably worse: {names}{more}. "
                "See marts.model_groups."
            )
    return found


def _drifts(learned: list[TargetFacts]) -> list[str]:
    """Major drift of what champions use, each step once, with the scores that use it."""
    used: dict[str, list[str]] = {}
    for facts in learned:
        for row in facts.drifted:
            if row["alarm"] == "major":
                used.setdefault(row["finding"], []).append(facts.name)
    told = [
        f"Major drift: {finding}. Used by {', '.join(names)}."
        for finding, names in list(used.items())[:MOST_DRIFTS]
    ]
    if len(used) > MOST_DRIFTS:
        told.append(f"{len(used) - MOST_DRIFTS} more major drifts: see marts.feature_drift.")
    return told


def _group(row: dict[str, Any]) -> str:
    return f"{row.get('group_label_en') or row['group_value']} ({row['attribute']})"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
