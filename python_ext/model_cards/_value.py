"""The card of the models of customer value."""

from __future__ import annotations

from typing import Any

from python_ext.model_cards import _pictures
from python_ext.model_cards._facts import BOOSTING, COMBINED
from python_ext.model_cards._words import CardPage, facts_row, plain, titled
from python_ext.report._drawing import table
from python_ext.report._html import Html, element

PARTS = ("bg_nbd", "pareto_nbd", "gamma_gamma")
# Figures, digits, and whether they are shares.
METRICS = (
    ("deviance", 2, False),
    ("mae", 2, False),
    ("rmse", 2, False),
    ("gini", 3, False),
    ("rank_correlation", 3, False),
    ("bias", 1, True),
    ("top_decile_share", 1, True),
    ("mean_actual", 2, False),
    ("mean_predicted", 2, False),
)


def value_card(page: CardPage) -> Html:
    """Lifetime models beside the two-stage model, and who gives the expected value."""
    facts, text = page.data.value, page.language.text
    if not facts.models:
        return page.section(
            "card-value", element("p", text("no_value_model")), title=text("value_title")
        )
    return page.section(
        "card-value",
        _headline(page),
        _why(page),
        titled(page, "parameters", _parameters(page)),
        titled(page, "warnings", _warnings(page)),
        titled(page, "holdout", _holdout(page)),
        titled(page, "comparison", _comparison(page)),
        titled(page, "limits", plain([element("li", told) for told in _limits(page)])),
        title=text("value_title"),
        lead=text("value_lead"),
    )


def _headline(page: CardPage) -> Html | None:
    facts, language = page.data.value, page.language
    figures = []
    if facts.expected is not None:
        figures.append((page.money(facts.expected), language.text("total_expected")))
        figures.append((language.number(facts.customers), language.text("valued")))
        mean = facts.expected / facts.customers
        figures.append((page.money(mean), language.text("mean_expected")))
    return facts_row(figures) if figures else None


def _why(page: CardPage) -> Html | None:
    champion, text = page.data.value.champion, page.language.text
    if champion is None:
        return None
    told = text(
        "value_champion",
        model=page.language.label("value_model", champion["model"]),
        trained=page.language.date(champion["trained_on"]),
    )
    return titled(page, "why", element("p", told), page.recorded(champion["reason"]))


def _parameters(page: CardPage) -> list[Any] | None:
    facts, language = page.data.value, page.language
    rows = []
    for model in PARTS:
        errors = facts.read(model, "standard_errors")
        for number, (name, value) in enumerate(facts.read(model, "parameters").items()):
            if not isinstance(value, (int, float)):
                continue
            rows.append(
                (
                    language.label("value_model", model) if number == 0 else "",
                    element("i", name),
                    language.number(value, 3),
                    language.number(errors.get(name), 3),
                    _likelihood(page, model) if number == 0 else "",
                )
            )
    if not rows:
        return None
    headings = [
        language.text(key) for key in ("model", "parameter", "value", "error", "likelihood")
    ]
    return [
        element("p", language.text("parameters_note")),
        table(headings, rows, class_="narrow"),
    ]


def _likelihood(page: CardPage, model: str) -> str:
    row = page.data.value.models[model]
    told = page.language.number(row["log_likelihood"], 1)
    return told if row["converged"] else f"{told} ({page.language.text('not_converged')})"


def _warnings(page: CardPage) -> Html | None:
    items = [
        element(
            "li",
            f"{page.language.label('value_model', model)}: ",
            element("q", sentence, lang="en"),
        )
        for model, sentence in page.data.value.warnings
    ]
    return plain(items)


def _holdout(page: CardPage) -> list[Any] | None:
    drawn = _pictures.frequency(page, page.data.value.calibration, "bg_nbd")
    if drawn is None:
        return None
    language = page.language
    rows = [
        (
            row["frequency_label"],
            language.label("value_model", row["model"]),
            language.number(row["customers"]),
            language.number(row["actual_purchases"], 2),
            language.number(row["expected_purchases"], 2),
        )
        for row in sorted(
            page.data.value.calibration, key=lambda r: (r["frequency_group"], r["model"])
        )
    ]
    headings = [
        language.text(k) for k in ("frequency", "model", "customers", "happened", "expected")
    ]
    return [
        element("p", language.text("holdout_note")),
        drawn,
        page.figures(table(headings, rows)),
    ]


def _comparison(page: CardPage) -> list[Any] | None:
    facts, language = page.data.value, page.language
    rows = _totals(page)
    for metric, digits, is_share in METRICS:
        found = [facts.metric(model, metric) for model in (COMBINED, BOOSTING)]
        if any(found):
            rows.append(
                (
                    language.text(f"amount_{metric}"),
                    *(page.interval(row, digits, is_share=is_share) for row in found),
                )
            )
    if not rows:
        return None
    headings = [language.text("figure")]
    headings += [language.label("value_model", model) for model in (COMBINED, BOOSTING)]
    other = next(
        (m for m in (COMBINED, BOOSTING) if m in facts.models and not _wins(page, m)), None
    )
    return [
        table(headings, rows),
        page.recorded(facts.models[other]["reason"]) if other else None,
    ]


def _totals(page: CardPage) -> list[tuple]:
    """The sum each competitor promised, what came, and one over the other.

    A file published by an older version does not know.
    """
    told = [page.data.value.models.get(model, {}) for model in (COMBINED, BOOSTING)]
    if all(row.get("actual_total") is None for row in told):
        return []
    ratios = [
        {
            "value": row.get("total_ratio"),
            "ci_low": row.get("total_ratio_low"),
            "ci_high": row.get("total_ratio_high"),
        }
        for row in told
    ]
    text = page.language.text
    return [
        (text("expected_total"), *(page.money(row.get("expected_total")) for row in told)),
        (text("actual_total"), *(page.money(row.get("actual_total")) for row in told)),
        (text("total_ratio"), *(page.interval(row, 2) for row in ratios)),
    ]


def _wins(page: CardPage, model: str) -> bool:
    return bool(page.data.value.models[model]["is_champion"])


def _limits(page: CardPage) -> list[str]:
    facts, text = page.data.value, page.language.text
    found = [text("limit_alive_value")] if "bg_nbd" in facts.models else []
    off = [
        row
        for row in facts.calibration
        if row["model"] == "bg_nbd"
        and row["actual_low"] is not None
        and not row["actual_low"] <= row["expected_purchases"] <= row["actual_high"]
    ]
    if off:
        groups = page.language.listing(
            [row["frequency_label"] for row in sorted(off, key=lambda r: r["frequency_group"])]
        )
        found.append(text("limit_holdout", groups=groups))
    champion = facts.champion
    bias = facts.metric(champion["model"], "bias") if champion else None
    if bias is not None and bias["value"] is not None:
        is_sure = bias["ci_low"] is not None and not bias["ci_low"] <= 0 <= bias["ci_high"]
        if is_sure:
            key = "limit_bias_high" if bias["value"] > 0 else "limit_bias_low"
            found.append(text(key, bias=page.language.percent(abs(bias["value"]))))
    return found
