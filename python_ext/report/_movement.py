"""Who moved from one date to the next, and whether the customer or the model changed."""

from __future__ import annotations

from typing import Any

from python_ext.report._drawing import (
    BOLD,
    WIDTH,
    colour,
    label,
    picture,
    rect,
    shorten,
    spread,
    table,
)
from python_ext.report._frame import Page
from python_ext.report._html import Html, element
from python_ext.report._overview import latest, side
from python_ext.report._read import SEGMENT, Row

STAYED, MODEL, UNKNOWN = "none", "model", "unknown"
NEWS = ("born", "split", "merged", "died")  # events that are told; "kept" is no news


def flows(page: Page) -> Html:
    """The moves as bands from segment to segment, and what became of the segments."""
    language = page.language
    every = page.data.rows("segment_migrations")
    measured = [row for row in every if not row.get("is_backcast")]
    small = {segment.id for segment in page.data.withheld}
    rows = [
        row
        for row in latest(measured or every)
        if row.get("customers") and not {row["from_segment_id"], row["to_segment_id"]} & small
    ]
    if page.data.is_fallback or not rows:
        told = element("p", language.text("flows_withheld"), class_="note") if every else None
        return page.section("flows", told if not page.data.is_fallback else None, _events(page))
    moves = [row for row in rows if _cause(row) != STAYED]
    moves.sort(key=lambda r: (-r["customers"], r["from_segment_id"], r["to_segment_id"], _cause(r)))
    figures = table(
        [language.text(key) for key in ("from", "to", "why")]
        + [language.text("customers").capitalize()],
        [
            (
                _name(page, row["from_segment_id"]),
                _name(page, row["to_segment_id"]),
                language.label("cause", _cause(row)),
                language.number(row["customers"]),
            )
            for row in moves
        ],
    )
    return page.section(
        "flows",
        element("p", _told(page, rows), class_="told"),
        _alluvial(page, rows),
        page.figures(figures),
        _events(page),
        lead=language.text("flows_lead_backcast" if rows[0].get("is_backcast") else "flows_lead"),
    )


def _told(page: Page, rows: list[Row]) -> str:
    """In words: who is in another segment, who came, who left."""
    language = page.language
    moved: dict[str, int] = {}
    for row in rows:
        came, left = (row["from_segment_id"] or 0) <= 0, (row["to_segment_id"] or 0) <= 0
        key = "came" if came and not left else "left" if left and not came else _cause(row)
        moved[key] = moved.get(key, 0) + row["customers"]
    came, left = moved.pop("came", 0), moved.pop("left", 0)
    total = sum(moved.values())
    away = total - moved.get(STAYED, 0)
    unknown = moved.get(UNKNOWN, 0)
    key = "flows_told_backcast" if rows[0].get("is_backcast") else "flows_told"
    told = [
        language.text(
            key if away else "flows_none_told",
            moved=language.number(away),
            all=language.number(total),
            share=language.percent(away / total if total else None, 1),
            customer=language.number(away - moved.get(MODEL, 0) - unknown),
            model=language.number(moved.get(MODEL, 0)),
        )
    ]
    told += [
        language.text(f"flows_{key}", n=language.number(number))
        for key, number in (("unknown", unknown), ("came", came), ("left", left))
        if number
    ]
    return " ".join(told)


def _cause(row: Row) -> str:
    if row["from_segment_id"] == row["to_segment_id"]:
        return STAYED
    return str(row.get("cause") or "customer")


def _name(page: Page, number: int | None) -> str:
    return page.name_of(number) if number else page.language.text("outside")


def _alluvial(page: Page, rows: list[Row]) -> Html:
    language = page.language
    order = [segment.id for segment in page.data.segments]
    ids = {row[side] for row in rows for side in ("from_segment_id", "to_segment_id")}
    order += sorted((i for i in ids if i not in order), key=lambda i: (i <= 0, i))
    order = [i for i in order if i in ids]
    total = sum(row["customers"] for row in rows)
    room_for = [f"{_name(page, i)} 00000" for i in order]
    left = side(page, room_for, 260.0)
    right, top, gap, bar = WIDTH - left, 34.0, 11.0, 13.0
    room = max(320.0, 46.0 * len(order))
    unit = (room - gap * (len(order) - 1)) / total
    starts = _stack(rows, order, "from_segment_id", unit, top, gap)
    ends = _stack(rows, order, "to_segment_id", unit, top, gap)
    drawn: list[Any] = []
    heads = _dates(page, rows)
    drawn.append(label(left, 14, heads[0], class_="end quiet"))
    drawn.append(label(right, 14, heads[1], class_="quiet"))
    place = {i: start for i, (start, _) in starts.items()}
    arrive = {i: start for i, (start, _) in ends.items()}
    bands = []
    rank = {number: position for position, number in enumerate(order)}
    for row in sorted(
        rows, key=lambda r: (rank[r["from_segment_id"]], rank[r["to_segment_id"]], _cause(r))
    ):
        bands.append([row, place[row["from_segment_id"]], 0.0, row["customers"] * unit])
        place[row["from_segment_id"]] += row["customers"] * unit
    for band in sorted(
        bands,
        key=lambda b: (rank[b[0]["to_segment_id"]], rank[b[0]["from_segment_id"]], _cause(b[0])),
    ):
        band[2] = arrive[band[0]["to_segment_id"]]
        arrive[band[0]["to_segment_id"]] += band[3]
    # Movers are drawn over those who stayed.
    for row, y1, y2, thick in sorted(bands, key=lambda b: _cause(b[0]) != STAYED):
        drawn.append(_band(page, row, (left + bar, y1), (right - bar, y2), thick))
    for end, stacked in (("start", starts), ("end", ends)):
        wanted = [start + height / 2 for start, height in stacked.values()]
        placed = spread(wanted, 17, top + 6, top + room)
        for (number, (start, height)), middle in zip(stacked.items(), placed, strict=True):
            x = left if end == "start" else right - bar
            drawn.append(rect(x, start, bar, max(height, 1), fill=colour(number)))
            told = element(
                "tspan", shorten(_name(page, number), left - 58, 13 * BOLD), class_="name"
            )
            count = element("tspan", language.number(height / unit), class_="quiet")
            words = [told, "  ", count] if end == "start" else [count, "  ", told]
            where = (left - 9, "end") if end == "start" else (right + 9, None)
            drawn.append(label(where[0], middle + 5, words, class_=where[1], data_seg=number))
    hatch = element(
        "defs",
        element(
            "pattern",
            rect(0, 0, 6, 6, fill="#fffdf9"),
            element("path", d="M0 6L6 0M-1 1L1 -1M5 7L7 5", stroke="#5d666e", stroke_width=1.6),
            id="hatch",
            width=6,
            height=6,
            patternUnits="userSpaceOnUse",
        ),
    )
    return picture(top + room + 8, hatch, drawn, says=language.text("flows"))


def _dates(page: Page, rows: list[Row]) -> tuple[str, str]:
    before = rows[0].get("previous_as_of_date")
    now = rows[0].get("as_of_date")
    language = page.language
    return (
        language.date(before) if before else language.text("before"),
        language.date(now) if now else language.text("now"),
    )


def _stack(
    rows: list[Row], order: list[int], side: str, unit: float, top: float, gap: float
) -> dict[int, tuple[float, float]]:
    """Segment → where its bar starts and how high it is."""
    found, y = {}, top
    for number in order:
        height = unit * sum(row["customers"] for row in rows if row[side] == number)
        if height:
            found[number] = (y, height)
        y += height + gap
    return found


def _band(
    page: Page, row: Row, start: tuple[float, float], end: tuple[float, float], thick: float
) -> Html:
    language = page.language
    (x1, y1), (x2, y2) = start, end
    middle = (x1 + x2) / 2
    shape = (
        f"M{x1:.1f} {y1:.1f}C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
        f"V{y2 + thick:.1f}C{middle:.1f} {y2 + thick:.1f} {middle:.1f} {y1 + thick:.1f} "
        f"{x1:.1f} {y1 + thick:.1f}Z"
    )
    cause = _cause(row)
    tip = (
        f"{_name(page, row['from_segment_id'])} → {_name(page, row['to_segment_id'])}: "
        f"{language.number(row['customers'])} ({language.label('cause', cause)})"
    )
    return element(
        "path",
        d=shape,
        fill="url(#hatch)" if cause == MODEL else colour(row["from_segment_id"]),
        fill_opacity={STAYED: "0.16", MODEL: "1"}.get(cause, "0.85"),
        stroke=colour(row["from_segment_id"]) if cause == MODEL else None,
        stroke_width=0.6 if cause == MODEL else None,
        data_tip=tip,
    )


def _events(page: Page) -> Html | None:
    """What became of the segments in the last run that fitted a model."""
    language = page.language
    rows = latest(page.data.rows("segment_events", view=page.data.view, level=SEGMENT))
    found = [row for row in rows if row["event"] in NEWS]
    is_first = bool(rows) and all(
        row["event"] == "born" and row.get("other_segment_id") is None for row in rows
    )
    if not found or is_first or page.data.is_fallback:
        return None
    found.sort(key=lambda row: (NEWS.index(row["event"]), row["segment_id"]))
    said = []
    for row in found:
        told = language.text(
            f"event_{row['event']}",
            segment=page.name_of(row["segment_id"]),
            other=page.name_of(row.get("other_segment_id")),
        )
        said.append(element("li", told[0].upper() + told[1:]))
    return element(
        "div", element("h3", language.text("events")), element("ul", said, class_="plain")
    )
