"""How far the segments can be trusted: stability, and the choice of their number."""

from __future__ import annotations

from typing import Any

from python_ext.report._drawing import (
    BOLD,
    INK,
    RULE,
    WIDTH,
    colour,
    label,
    picture,
    rect,
    rule,
    scale,
    shorten,
    table,
)
from python_ext.report._frame import Page, pill
from python_ext.report._html import Html, element
from python_ext.report._overview import algorithm, chosen_row, is_recurrence, latest, side
from python_ext.report._read import SEGMENT, Row

UNSTABLE, STABLE = 0.60, 0.75
# Measures of the whole, in the order in which they are told.
WHOLE = (
    "bootstrap_rand",
    "seed_rand",
    "without_feature_lowest",
    "without_group_lowest",
    "refit_rand",
    "customers_rand",
    "customers_stay",
)
PANELS = ("silhouette", "gap", "stability_min", "smallest_share")
RUNNERS_UP = 2


def stability(page: Page) -> Html:
    """Recurrence of each segment, and the figures of the whole."""
    rows = [
        row
        for row in page.data.rows("segment_stability", view=page.data.view, level=SEGMENT)
        if row.get("value") is not None
    ]
    if not rows or page.data.is_fallback:
        return page.section("stability")
    return page.section(
        "stability",
        _recurrence(page, rows),
        _whole(page, rows),
        lead=page.language.text("stability_lead"),
    )


def _recurrence(page: Page, rows: list[Row]) -> Html | None:
    language = page.language
    found = {}
    for row in rows:
        if is_recurrence(row):
            found.setdefault(row["segment_id"], row)
    segments = [segment for segment in page.data.segments if segment.id in found]
    if not segments:
        return None
    left = side(page, [page.name(segment) for segment in segments])
    right, top, height = WIDTH - 130, 30.0, 32.0
    x = scale(0, 1, left, right)
    bottom = top + len(segments) * height
    drawn: list[Any] = [
        rect(x(0), top, x(UNSTABLE) - x(0), bottom - top, fill="#f3ede6"),
        rect(x(UNSTABLE), top, x(STABLE) - x(UNSTABLE), bottom - top, fill="#f8f4ee"),
        rect(x(STABLE), top, x(1) - x(STABLE), bottom - top, fill="#eef3f1"),
    ]
    for start, end, word in (
        (0, UNSTABLE, "unstable"),
        (UNSTABLE, STABLE, "doubtful"),
        (STABLE, 1, "stable"),
    ):
        told = language.label("stability", word)
        drawn.append(label(x((start + end) / 2), top - 10, told, class_="mid quiet"))
    for tick in (0, 0.25, 0.5, UNSTABLE, STABLE, 1):
        drawn.append(rule(x(tick), top, x(tick), bottom, stroke=RULE))
        drawn.append(label(x(tick), bottom + 16, language.number(tick, 2), class_="mid quiet"))
    for number, segment in enumerate(segments):
        row, y = found[segment.id], top + number * height + height / 2
        drawn.append(
            element(
                "g",
                label(0, y + 5, shorten(page.name(segment), left - 12, 13 * BOLD), class_="name"),
                rule(x(0), y, x(row["value"]), y, stroke=colour(segment.id), stroke_width=2.5),
                element("circle", cx=x(row["value"]), cy=y, r=6.5, fill=colour(segment.id)),
                label(
                    right + 18,
                    y + 5,
                    f"{language.number(row['value'], 2)}  "
                    f"{language.label('stability', row.get('label') or '')}",
                ),
                data_seg=segment.id,
            )
        )
    return picture(bottom + 26, drawn, says=language.text("stability"))


def _whole(page: Page, rows: list[Row]) -> Html | None:
    language = page.language
    order = {measure: place for place, measure in enumerate(WHOLE)}
    whole = [row for row in rows if row["segment_id"] == 0 and row["measure"] in order]
    whole.sort(key=lambda row: order[row["measure"]])
    if not whole:
        return None
    return element(
        "div",
        element("h3", language.text("whole")),
        table(
            [language.text("measure"), language.text("value"), language.text("verdict")],
            [
                (
                    language.label("measure", row["measure"]),
                    language.number(row["value"], 2),
                    pill(page, row.get("label")) or "",
                )
                for row in whole
            ],
            class_="narrow",
        ),
    )


def choice(page: Page) -> Html:
    """Each candidate's figures, what was chosen, what was given up."""
    language = page.language
    rows = [
        row
        for row in latest(page.data.rows("segment_quality", view=page.data.view))
        if (row.get("k") or 0) > 1
    ]
    if not rows or (chosen_row(page) or {}).get("decision") == "kept":
        rows = _last_fit(page) or rows
    if not rows:
        return page.section("choice")
    panels = [_panel(page, rows, figure) for figure in PANELS]
    table_rows = [
        (
            _candidate(page, row),
            *(language.number(row.get(f), 2) for f in PANELS[:3]),
            language.percent(row.get("smallest_share"), 1),
            language.number(row.get("votes")),
            language.text("yes" if row.get("is_admissible") else "no"),
        )
        for row in sorted(rows, key=lambda r: (r["k"], str(r["candidate"])))
    ]
    headings = [language.text("candidate"), *(language.text(f) for f in PANELS)]
    return page.section(
        "choice",
        element("div", [p for p in panels if p], class_="panels"),
        _given_up(page, rows),
        page.figures(
            table([*headings, language.text("votes"), language.text("admissible")], table_rows)
        ),
        lead=language.text("choice_lead"),
    )


def _last_fit(page: Page) -> list[Row]:
    """Candidates of the run whose model is still used."""
    rows = [
        row
        for row in page.data.rows("segment_quality", view=page.data.view)
        if row.get("decision") != "kept" and (row.get("k") or 0) > 1
    ]
    return latest(rows)


def _candidate(page: Page, row: Row) -> str:
    return page.language.text(
        "candidate_words", k=page.language.number(row["k"]), algorithm=algorithm(page, row)
    )


def _panel(page: Page, rows: list[Row], figure: str) -> Html | None:
    """A figure over the number of segments, a line per algorithm."""
    language = page.language
    known = [row for row in rows if row.get(figure) is not None]
    if len(known) < 2:
        return None
    width, height = 440.0, 216.0
    left, right, top, bottom = 50.0, width - 14, 52.0, height - 38
    values = [row[figure] for row in known]
    low, high = min(values), max(values)
    if figure in ("stability_min", "smallest_share"):
        low = 0.0
    pad = (high - low) * 0.08 or 0.1
    y = scale(high + pad, low - (pad if low else 0), top, bottom)
    ks = sorted({row["k"] for row in rows})
    x = scale(min(ks), max(ks), left + 10, right - 10)
    drawn: list[Any] = [
        label(0, 16, language.text(figure), class_="name"),
        label(0, 33, language.text(f"{figure}_hint"), class_="quiet"),
    ]
    for k in ks:
        drawn.append(label(x(k), bottom + 18, language.number(k), class_="mid quiet"))
    for tick in (low, (low + high) / 2, high):
        told = language.percent(tick) if figure == "smallest_share" else language.number(tick, 2)
        drawn.append(rule(left, y(tick), right, y(tick), stroke="#e7e4dd"))
        drawn.append(label(left - 7, y(tick) + 4, told, class_="end quiet"))
    chosen = next((row for row in rows if row.get("is_chosen")), None)
    if chosen is not None:
        drawn.append(
            rule(x(chosen["k"]), top - 4, x(chosen["k"]), bottom, stroke=INK, stroke_width=1.4)
        )
    groups: dict[str, list[Row]] = {}
    for row in sorted(known, key=lambda r: (r["k"], str(r["candidate"]))):
        groups.setdefault(str(row.get("algorithm")), []).append(row)
    main = str((chosen or known[0]).get("algorithm"))
    for name, group in sorted(groups.items(), key=lambda item: (item[0] == main, item[0])):
        shade = "#0b6fa4" if name == main else "#a9aeb2"
        best: dict[int, Row] = {}
        for row in group:
            if row["k"] not in best or row.get("is_chosen"):
                best[row["k"]] = row
        points = [(x(k), y(row[figure]), row) for k, row in best.items()]
        path = "M" + "L".join(f"{px:.1f} {py:.1f}" for px, py, _ in points)
        drawn.append(element("path", d=path, fill="none", stroke=shade, stroke_width=1.6))
        for px, py, row in points:
            drawn.append(
                element(
                    "circle",
                    cx=float(px),
                    cy=float(py),
                    r=5.5 if row.get("is_chosen") else 3.8,
                    fill=shade if row.get("is_admissible") else "#fffdf9",
                    stroke=shade,
                    stroke_width=1.6,
                    data_tip=f"{_candidate(page, row)}: {language.number(row[figure], 3)}",
                )
            )
    drawn.append(
        label(
            (left + right) / 2, height - 3, language.text("number_of_segments"), class_="mid quiet"
        )
    )
    return picture(height, drawn, says=language.text(figure), width=width)


def _given_up(page: Page, rows: list[Row]) -> Html | None:
    """The candidates next in the order, in words."""
    language = page.language
    chosen = next((row for row in rows if row.get("is_chosen")), None)
    if chosen is None:
        return None
    others = [row for row in rows if row.get("is_admissible") and row is not chosen]
    if not others:
        return _finer(page, rows, chosen)
    others.sort(
        key=lambda row: (-(row.get("votes") or 0), -(row.get("silhouette") or -1), row["k"])
    )
    return element(
        "div",
        element("h3", language.text("given_up")),
        element(
            "ul",
            [
                element(
                    "li",
                    language.text(
                        "given_up_line",
                        candidate=_candidate(page, row),
                        votes=language.number(row.get("votes")),
                        silhouette=language.number(row.get("silhouette"), 2),
                        chosen=language.number(chosen.get("silhouette"), 2),
                        stability=language.number(row.get("stability_min"), 2),
                    ),
                )
                for row in others[:RUNNERS_UP]
            ],
            class_="plain",
        ),
    )


def _finer(page: Page, rows: list[Row], chosen: Row) -> Html | None:
    """What more segments by the same algorithm would cost, where nothing else passed the tests."""
    language = page.language
    finer = [
        row
        for row in rows
        if row.get("algorithm") == chosen.get("algorithm")
        and (row.get("k") or 0) > chosen["k"]
        and row.get("stability_min") is not None
    ]
    finer.sort(key=lambda row: (row["k"], str(row["candidate"])))
    if not finer:
        return None
    items = [
        element(
            "li",
            language.text(
                "finer_line",
                candidate=_candidate(page, row),
                silhouette=language.number(row.get("silhouette"), 2),
                chosen=language.number(chosen.get("silhouette"), 2),
                stability=language.number(row["stability_min"], 2),
            ),
        )
        for row in finer[:RUNNERS_UP]
    ]
    return element(
        "div", element("h3", language.text("finer")), element("ul", items, class_="plain")
    )
