"""The limits of a model in words: only those that its own figures show."""

from __future__ import annotations

from python_ext.model_cards._facts import RANDOM_SPLIT, TargetFacts
from python_ext.model_cards._words import CardPage

WIDE = 0.05  # an AUC known no better than this is known badly
GAP = 0.01  # of the AUC, or of a rate, that is worth a word
ALIVE = {"p_alive", "expected_purchases"}
SEASON = "quarter_ahead"


def limits(page: CardPage, facts: TargetFacts) -> list[str]:
    """Each limit in a sentence."""
    return [
        *_of_time(page, facts),
        *_of_ranking(page, facts),
        *_of_probabilities(page, facts),
        *_of_groups(page, facts),
        *_of_features(page, facts),
    ]


def _of_time(page: CardPage, facts: TargetFacts) -> list[str]:
    text, judged_on = page.language.text, facts.row["test_on"]
    found = []
    if judged_on is not None:
        found.append(text("limit_one_window", day=page.language.date(judged_on)))
        if SEASON not in {row["feature"] for row in facts.used}:
            found.append(text("limit_season"))
    everybody = facts.everybody
    if everybody is not None and everybody["calibration_gap"] is not None:
        gap = everybody["calibration_gap"]
        if abs(gap) >= GAP:
            key = "limit_season_less" if gap > 0 else "limit_season_more"
            predicted, actual = everybody["predicted"], everybody["prevalence"]
            percent = page.language.percent
            found.append(text(key, predicted=percent(predicted, 1), actual=percent(actual, 1)))
    return found


def _of_ranking(page: CardPage, facts: TargetFacts) -> list[str]:
    text, number = page.language.text, page.language.number
    found = []
    auc = facts.metric("auc")
    if auc is not None and auc["ci_low"] is not None and auc["ci_high"] - auc["ci_low"] > WIDE:
        low, high = number(auc["ci_low"], 2), number(auc["ci_high"], 2)
        rows = number(facts.champion["test_rows"])
        found.append(text("limit_wide", low=low, high=high, rows=rows))
    gain = facts.metric("gain_over_recency_alone")
    if gain is not None and gain["ci_low"] is not None and gain["ci_low"] <= 0:
        found.append(text("limit_recency"))
    random = facts.value("auc", split=RANDOM_SPLIT)
    if auc is not None and random is not None and random - auc["value"] >= GAP:
        found.append(text("limit_split", gap=number(random - auc["value"], 3)))
    return found


def _of_probabilities(page: CardPage, facts: TargetFacts) -> list[str]:
    text, percent = page.language.text, page.language.percent
    found = []
    if facts.off:
        ranges = [
            text(
                "bin_range",
                low=percent(row["probability_low"]),
                high=percent(row["probability_high"]),
                actual=percent(row["actual"]),
            )
            for row in sorted(facts.off, key=lambda row: row["bin"])
        ]
        found.append(text("limit_off", ranges="; ".join(ranges)))
    error, chance = (
        facts.value("expected_calibration_error"),
        facts.value("calibration_error_by_chance"),
    )
    if error is not None and chance is not None and chance >= GAP:
        rows = page.language.number(facts.champion["test_rows"])
        found.append(text("limit_chance", rows=rows, chance=page.language.number(chance, 3)))
    if facts.threshold is None:
        found.append(text("limit_no_cost"))
    return found


def _of_groups(page: CardPage, facts: TargetFacts) -> list[str]:
    text = page.language.text
    shown = [row for row in facts.tables["model_groups"] if row["attribute"] != "all"]
    small = len(shown) - len(facts.groups)
    found = []
    if small:
        found.append(page.language.plural("limit_small", small))
    if not shown:
        found.append(text("limit_no_groups"))
    return found


def _of_features(page: CardPage, facts: TargetFacts) -> list[str]:
    text = page.language.text
    found = []
    used = {row["feature"] for row in facts.used}
    if used & ALIVE:
        found.append(text("limit_alive"))
    unjudged = sum(row["reading"] == "unjudged" for row in facts.tables["feature_drift"])
    if unjudged:
        found.append(page.language.plural("limit_unjudged", unjudged))
    mixed = [row for row in facts.used[:5] if row["direction"] == "mixed"]
    if mixed:
        names = [page.language.pick(r, "feature_label") or r["feature"] for r in mixed]
        found.append(text("limit_mixed", names="; ".join(names)))
    return found
