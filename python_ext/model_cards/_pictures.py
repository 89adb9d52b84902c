"""Pictures of a card: reliability, gains, profit, importance, decay, purchases expected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from python_ext.model_cards._facts import TargetFacts
from python_ext.model_cards._words import CardPage
from python_ext.report._drawing import (
    INK,
    RULE,
    WIDTH,
    label,
    picture,
    rect,
    rule,
    scale,
    shorten,
    text_width,
    wrap,
)
from python_ext.report._html import Html, element
from python_ext.report._read import Row

PANEL, HEIGHT = 440.0, 330.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, PANEL - 16, 66.0, HEIGHT - 46
BLUE, ORANGE, PALE = "#0c6ca8", "#cc5424", "#dbe7f0"
MOST_FEATURES = 12


def _ticks(most: float, least: float = 0.0) -> list[float]:
    """Round numbers from at least ``least``, which is 0 or under it, to at most ``most``."""
    step = next(
        size * factor
        for size in [10.0**power for power in range(-4, 13)]
        for factor in (1, 2, 5)
        if (most - least) / (size * factor) <= 5
    )
    first, last = -int(-least / step + 1e-9), int(most / step + 1e-9)
    return [step * number for number in range(first, last + 1)]


def _panel(
    page: CardPage, key: str, x: Any, y: Any, horizontal: Sequence, vertical: Sequence, *drawn: Any
) -> Html:
    """A small picture with axes; ticks are (value, words)."""
    text = page.language.text
    frame: list[Any] = [label(0, 16, text(key), class_="name")]
    frame += [
        label(0, 34 + 15 * number, line, class_="quiet")
        for number, line in enumerate(wrap(text(f"{key}_hint"), PANEL, 12, 2))
    ]
    for value, told in vertical:
        frame.append(rule(LEFT, y(value), RIGHT, y(value), stroke="#e7e4dd"))
        frame.append(label(LEFT - 7, y(value) + 4, told, class_="end quiet"))
    frame += [label(x(value), BOTTOM + 18, told, class_="mid quiet") for value, told in horizontal]
    frame.append(label((LEFT + RIGHT) / 2, HEIGHT - 8, text(f"{key}_axis"), class_="mid quiet"))
    return picture(HEIGHT, frame, list(drawn), says=text(key), width=PANEL)


def _line(points: Sequence[tuple[float, float]], **attributes: Any) -> Html:
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return element("path", d=path, fill="none", **{"stroke_width": 2, **attributes})


def _whisker(x: float, low: float, high: float, shade: str) -> Html:
    return rule(x, low, x, high, stroke=shade, stroke_width=1.4)


def reliability(page: CardPage, facts: TargetFacts) -> Html | None:
    """Predicted against actual, by bin."""
    rows = [r for r in facts.tables["model_reliability"] if r["predicted"] is not None]
    if len(rows) < 2:
        return None
    rows.sort(key=lambda row: row["bin"])
    percent = page.language.percent
    most = max(max(row["predicted"], row["ci_high"] or row["actual"]) for row in rows)
    ticks = [(value, percent(value, 0 if most > 0.06 else 1)) for value in _ticks(most)]
    x, y = scale(0, most, LEFT, RIGHT), scale(0, most, BOTTOM, TOP)
    drawn: list[Any] = [
        rule(x(0), y(0), x(most), y(most), stroke="#8a8f94", stroke_dasharray="4 4")
    ]
    for row in rows:
        shade = ORANGE if row["is_off"] else BLUE
        if row["ci_low"] is not None:
            drawn.append(_whisker(x(row["predicted"]), y(row["ci_low"]), y(row["ci_high"]), shade))
        drawn.append(
            element(
                "circle",
                cx=x(row["predicted"]),
                cy=y(row["actual"]),
                r=4.6,
                fill=shade,
                data_tip=page.language.text(
                    "bin_tip",
                    customers=page.language.number(row["customers"]),
                    predicted=percent(row["predicted"], 1),
                    actual=percent(row["actual"], 1),
                ),
            )
        )
    return _panel(page, "reliability", x, y, ticks, ticks, drawn)


def gains(page: CardPage, facts: TargetFacts) -> Html | None:
    """Share of all hits against share of customers, the most likely first."""
    curve = [r for r in facts.tables["model_profits"] if r["gain"] is not None]
    curve.sort(key=lambda row: row["percent"])
    if len(curve) < 2:
        return None
    percent = page.language.percent
    x, y = scale(0, 1, LEFT, RIGHT), scale(0, 1, BOTTOM, TOP)
    ticks = [(share / 4, percent(share / 4)) for share in range(5)]
    drawn: list[Any] = [rule(x(0), y(0), x(1), y(1), stroke="#8a8f94", stroke_dasharray="4 4")]
    drawn.append(_line([(x(r["percent"] / 100), y(r["gain"])) for r in curve], stroke=BLUE))
    tenths = [r for r in facts.tables["model_gains"] if r["cumulative_gain"] is not None]
    for row in sorted(tenths, key=lambda row: row["decile"]):
        place, gain = x(row["decile"] / 10), row["cumulative_gain"]
        if row["cumulative_gain_ci_low"] is not None:
            ends = (y(row["cumulative_gain_ci_low"]), y(row["cumulative_gain_ci_high"]))
            drawn.append(_whisker(place, *ends, BLUE))
        tip = page.language.text(
            "gain_tip", share=percent(row["decile"] / 10), gain=percent(gain, 1)
        )
        drawn.append(element("circle", cx=place, cy=y(gain), r=4.0, fill=BLUE, data_tip=tip))
    return _panel(page, "gains", x, y, ticks, ticks, drawn)


def profits(page: CardPage, facts: TargetFacts) -> Html | None:
    """What contacting the first so many percent promised and would have earned."""
    curve = [r for r in facts.tables["model_profits"] if r["actual_profit"] is not None]
    curve.sort(key=lambda row: row["percent"])
    if len(curve) < 2:
        return None
    told = [
        value
        for row in curve
        for value in (
            row["actual_profit"],
            row["expected_profit"],
            row["actual_profit_ci_low"],
            row["actual_profit_ci_high"],
        )
        if value is not None
    ]
    low, high = min(0.0, *told), max(0.0, *told)
    x, y = scale(0, 100, LEFT, RIGHT), scale(low, high or 1.0, BOTTOM, TOP)
    vertical = [(value, page.money(value)) for value in _ticks(high or 1.0, low)]
    horizontal = [(share, page.language.percent(share / 100)) for share in (0, 25, 50, 75, 100)]
    banded = [row for row in curve if row["actual_profit_ci_low"] is not None]
    drawn: list[Any] = []
    if banded:
        edge = [(x(r["percent"]), y(r["actual_profit_ci_high"])) for r in banded]
        edge += [(x(r["percent"]), y(r["actual_profit_ci_low"])) for r in reversed(banded)]
        path = "M" + "L".join(f"{px:.1f} {py:.1f}" for px, py in edge) + "Z"
        drawn.append(element("path", d=path, fill=PALE))
    drawn.append(
        _line(
            [(x(r["percent"]), y(r["expected_profit"])) for r in curve],
            stroke=ORANGE,
            stroke_dasharray="5 4",
        )
    )
    drawn.append(_line([(x(r["percent"]), y(r["actual_profit"])) for r in curve], stroke=BLUE))
    stop = optimum(facts)
    if stop is not None:
        place = x(stop["percent"])
        words = page.language.text("stop_here", share=page.language.percent(stop["percent"] / 100))
        is_right = place + text_width(words, 12) + 8 > RIGHT
        drawn.append(rule(place, TOP - 2, place, BOTTOM, stroke=INK, stroke_width=1.4))
        drawn.append(
            label(
                place + (-6 if is_right else 6),
                BOTTOM - 8,
                words,
                class_="end small" if is_right else "small",
            )
        )
    return _panel(page, "profits", x, y, horizontal, vertical, drawn)


def optimum(facts: TargetFacts) -> Row | None:
    """The last point of the profit curve at which a contact still pays by its probability."""
    worth = [row for row in facts.tables["model_profits"] if row["is_worthwhile"]]
    return max(worth, key=lambda row: row["percent"], default=None)


def importance(page: CardPage, facts: TargetFacts) -> Html | None:
    """The features that matter most, with interval and direction."""
    rows = [row for row in facts.used if row["importance"] is not None][:MOST_FEATURES]
    if not rows:
        return None
    language = page.language
    names = [language.pick(row, "feature_label") or row["feature"] for row in rows]
    left = min(430.0, max(text_width(name) for name in names) + 18)
    right = WIDTH - 250
    most = max(max(row["importance"], row["ci_high"] or 0) for row in rows) or 1.0
    least = min(0.0, *(row["ci_low"] or 0 for row in rows))
    x = scale(least, most, left, right)
    drawn: list[Any] = [rule(x(0), 4, x(0), 10 + 26 * len(rows), stroke=RULE)]
    for number, (row, name) in enumerate(zip(rows, names, strict=True)):
        y = 10.0 + 26 * number
        drawn.append(label(0, y + 14, shorten(name, left - 14)))
        drawn.append(rect(x(0), y + 3, x(max(row["importance"], 0)) - x(0), 13, fill=BLUE))
        if row["ci_low"] is not None:
            middle = y + 9.5
            drawn.append(rule(x(row["ci_low"]), middle, x(row["ci_high"]), middle, stroke=INK))
        drawn.append(label(right + 14, y + 14, page.short(row["importance"])))
        told = language.label("direction", row["direction"] or "none")
        drawn.append(label(right + 76, y + 14, told, class_="quiet"))
    return picture(16.0 + 26 * len(rows), drawn, says=language.text("features"))


def decay(page: CardPage, facts: TargetFacts) -> Html | None:
    """The AUC of the champion in each run, with the run that promoted it."""
    rows = [
        row
        for row in facts.tables["model_decay"]
        if row["metric"] == "auc" and row["value"] is not None
    ]
    rows.sort(key=lambda row: row["as_of_date"])
    if len(rows) < 2:
        return None
    number = page.language.number
    ends = [v for r in rows for v in (r["value"], r["ci_low"], r["ci_high"]) if v is not None]
    low, high = max(0.0, min(ends) - 0.02), min(1.0, max(ends) + 0.02)
    start, end = rows[0]["as_of_date"].toordinal(), rows[-1]["as_of_date"].toordinal()
    x, y = scale(start, end, LEFT + 30, RIGHT - 30), scale(low, high, BOTTOM, TOP)
    vertical = [(v, number(v, 2)) for v in (low, (low + high) / 2, high)]
    horizontal = [
        (row["as_of_date"].toordinal(), row["as_of_date"].isoformat())
        for row in (rows[0], rows[-1])
    ]
    points = [(x(r["as_of_date"].toordinal()), y(r["value"])) for r in rows]
    drawn: list[Any] = [_line(points, stroke=BLUE)]
    for row, (px, py) in zip(rows, points, strict=True):
        shade = ORANGE if row["verdict"] == "decayed" else BLUE
        if row["ci_low"] is not None:
            drawn.append(_whisker(px, y(row["ci_low"]), y(row["ci_high"]), shade))
        drawn.append(element("circle", cx=px, cy=py, r=4.6, fill=shade))
    return _panel(page, "decay", x, y, horizontal, vertical, drawn)


def frequency(page: CardPage, rows: list[Row], model: str) -> Html | None:
    """Purchases expected and actual after the test cutoff, by those before it."""
    rows = [row for row in rows if row["model"] == model]
    rows.sort(key=lambda row: row["frequency_group"])
    if len(rows) < 2:
        return None
    language = page.language
    most = max(
        max(r["expected_purchases"], r["actual_high"] or r["actual_purchases"]) for r in rows
    )
    left, right, bottom, top = 50.0, WIDTH - 20, 236.0, 34.0
    y = scale(0, most, bottom, top)
    step = (right - left) / len(rows)
    drawn: list[Any] = []
    for value in _ticks(most):
        drawn.append(rule(left, y(value), right, y(value), stroke="#e7e4dd"))
        told = language.number(value, 1 if most > 1 else 2)
        drawn.append(label(left - 8, y(value) + 4, told, class_="end quiet"))
    for number, row in enumerate(rows):
        middle = left + step * (number + 0.5)
        actual, expected = row["actual_purchases"], row["expected_purchases"]
        drawn.append(rect(middle - 26, y(actual), 24, bottom - y(actual), fill=BLUE))
        drawn.append(rect(middle + 2, y(expected), 24, bottom - y(expected), fill="#e3a27f"))
        if row["actual_low"] is not None:
            drawn.append(_whisker(middle - 14, y(row["actual_low"]), y(row["actual_high"]), INK))
        drawn.append(label(middle, bottom + 18, row["frequency_label"], class_="mid"))
        count = language.text("customers_n", n=language.number(row["customers"]))
        drawn.append(label(middle, bottom + 35, count, class_="mid quiet"))
    key = [
        rect(left, 4, 14, 12, fill=BLUE),
        label(left + 20, 15, language.text("happened"), class_="quiet"),
        rect(left + 150, 4, 14, 12, fill="#e3a27f"),
        label(left + 170, 15, language.text("expected"), class_="quiet"),
    ]
    axis = label(
        (left + right) / 2, bottom + 56, language.text("frequency_axis"), class_="mid quiet"
    )
    return picture(bottom + 64, key, drawn, axis, says=language.text("holdout"))
