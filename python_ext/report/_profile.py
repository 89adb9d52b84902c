"""What marks the segments: the heat map, and the segments side by side."""

from __future__ import annotations

from typing import Any

from python_ext.report._drawing import (
    BOLD,
    FAINT,
    INK,
    WIDTH,
    blend,
    colour,
    ink_on,
    label,
    lines,
    picture,
    rect,
    rule,
    scale,
    shorten,
    spread,
    table,
    wrap,
)
from python_ext.report._frame import Page
from python_ext.report._html import Html, element
from python_ext.report._overview import row_label, side, window_free
from python_ext.report._read import Row, Segment

HEAT_ROWS = 20  # features in the heat map
AXES = 8  # features side by side
FULL = 1.5  # standard deviations that give the full colour
REACH = 2.0  # and that reach the border of the side-by-side picture


def profiles(page: Page) -> Html:
    """Features by segments as a heat map."""
    grid, features = _grid(page, HEAT_ROWS)
    segments = [s for s in page.data.segments if any((s.id, f) in grid for f in features)]
    if not segments:
        return page.section("profiles")
    language = page.language
    named = {f: next(grid[s.id, f] for s in segments if (s.id, f) in grid) for f in features}
    top, height = 58.0, 26.0
    left = side(page, [row_label(page, row) + "°" for row in named.values()])
    width = (WIDTH - left) / len(segments)
    drawn: list[Any] = [heads(page, segments, left, width, top)]
    for number, feature in enumerate(features):
        y = top + number * height
        mark = "°" if named[feature].get("is_circular") else ""
        told = shorten(row_label(page, named[feature]), left - 20, 13) + mark
        drawn.append(label(0, y + 17, told))
        for column, segment in enumerate(segments):
            row = grid.get((segment.id, feature))
            drawn.append(_cell(page, row, left + column * width, y, width, height, segment.id))
    rows = [
        [
            row_label(page, named[f]),
            *(language.number((grid.get((s.id, f)) or {}).get("index_vs_all")) for s in segments),
            language.number(named[f].get("effect_size"), 2),
        ]
        for f in features
    ]
    headings = [language.text("feature"), *(page.name(s) for s in segments)]
    return page.section(
        "profiles",
        _legend(page),
        picture(top + len(features) * height + 4, drawn, says=language.text("profiles")),
        element("p", language.text("profiles_circular"), class_="note"),
        page.figures(table([*headings, language.text("effect")], rows)),
        lead=language.text("profiles_lead"),
    )


def heads(page: Page, segments: list[Segment], left: float, width: float, top: float) -> Html:
    """Names of the segments over their columns, each with its colour."""
    drawn = []
    for column, segment in enumerate(segments):
        x = left + column * width
        texts = wrap(page.name(segment), width - 5, 12 * BOLD, 3)
        y = top - 14 - 14 * (len(texts) - 1)
        drawn.append(lines(x + width / 2, y, texts, height=14, class_="head mid"))
        drawn.append(rect(x + 1.5, top - 7, width - 3, 4, fill=colour(segment.id)))
    return element("g", drawn)


def _legend(page: Page) -> Html:
    stops = ", ".join(blend(step / 4) for step in range(-4, 5))
    return element(
        "p",
        page.language.text("below"),
        element("i", style=f"background:linear-gradient(to right, {stops})"),
        page.language.text("above"),
        class_="scale",
        aria_hidden="true",
    )


def _cell(
    page: Page, row: Row | None, x: float, y: float, width: float, height: float, seg: int
) -> Html:
    if row is None or row.get("z") is None:
        return label(x + width / 2, y + 17, "–", class_="mid quiet")
    language = page.language
    shade = blend(row["z"] / FULL)
    index = row.get("index_vs_all")
    tip = language.text(
        "tip_profile",
        segment=page.name_of(seg),
        feature=row_label(page, row),
        mean=language.number(row.get("mean"), _digits(row.get("mean"))),
        overall=language.number(row.get("overall_mean"), _digits(row.get("overall_mean"))),
        z=language.number(row["z"], 2, sign=True),
    )
    told = language.number(index) if index is not None else language.number(row["z"], 1, sign=True)
    return element(
        "g",
        rect(x + 1.5, y + 1.5, width - 3, height - 3, fill=shade, rx=2),
        label(x + width / 2, y + 17, told, class_="mid cell", fill=ink_on(shade)),
        data_tip=tip,
        data_seg=seg,
    )


def _digits(value: float | None) -> int:
    size = abs(value or 0)
    return 0 if size >= 100 else 1 if size >= 10 else 2


def _grid(page: Page, most: int) -> tuple[dict[tuple[int, str], Row], list[str]]:
    """Rows by segment and feature, and the features that differ most, grouped by what they say."""
    rows = page.data.rows("segment_profiles", view=page.data.view, level="segment")
    shown = {segment.id for segment in page.data.segments}
    grid = {
        (row["segment_id"], row["feature"]): row
        for row in rows
        if row["segment_id"] in shown and row.get("z") is not None
    }
    strength: dict[str, float] = {}
    for (_, feature), row in grid.items():
        strength[feature] = max(strength.get(feature, 0.0), abs(row["z"]))
    best: list[str] = []
    told: set[str] = set()
    for feature in sorted(strength, key=lambda name: (-round(strength[name], 6), name)):
        if window_free(feature) not in told:
            told.add(window_free(feature))
            best.append(feature)
    best = best[:most]
    # Read from left to right the warm cells then go down like stairs.
    order = [segment.id for segment in page.data.segments]

    def place(feature: str) -> tuple[float, float, str]:
        values = [(grid.get((i, feature)) or {}).get("z") or 0.0 for i in order]
        peak = max(range(len(values)), key=lambda i: (values[i], -i))
        return (peak, -round(values[peak], 6), feature)

    return grid, sorted(best, key=place)


def parallel(page: Page) -> Html:
    """The segments as lines over the features that tell them apart most."""
    grid, features = _grid(page, AXES)
    segments = [s for s in page.data.segments if any((s.id, f) in grid for f in features)]
    if len(features) < 2 or not segments:
        return page.section("parallel")
    language = page.language
    left, top, bottom = 62.0, 20.0, 330.0
    right = WIDTH - 26 - min(210.0, side(page, [page.name(segment) for segment in segments]))
    x = scale(0, len(features) - 1, left, right)
    y = scale(REACH, -REACH, top, bottom)
    room = (right - left) / (len(features) - 1)
    drawn: list[Any] = []
    for step in (2, 1, 0, -1, -2):
        drawn.append(
            rule(
                left - 14,
                y(step),
                right + 14,
                y(step),
                stroke=INK if step == 0 else "#e4e1da",
                stroke_width=1.2 if step == 0 else 1.0,
            )
        )
        drawn.append(
            label(left - 22, y(step) + 4, language.number(step, sign=True), class_="end quiet")
        )
    for number, feature in enumerate(features):
        row = next(grid[s.id, feature] for s in segments if (s.id, feature) in grid)
        drawn.append(rule(x(number), top, x(number), bottom, stroke="#e4e1da"))
        texts = wrap(row_label(page, row), room - 6, 12 * BOLD, 4)
        drawn.append(lines(x(number), bottom + 22, texts, height=14, class_="mid head"))
    ends = []
    for segment in segments:
        points = []
        for number, feature in enumerate(features):
            z = (grid.get((segment.id, feature)) or {}).get("z")
            if z is not None:
                points.append((x(number), y(max(-REACH, min(REACH, z)))))
        ends.append(points[-1][1])
        path = "M" + "L".join(f"{px:.1f} {py:.1f}" for px, py in points)
        dots = [
            element("circle", cx=float(px), cy=float(py), r=3.5, fill=colour(segment.id))
            for px, py in points
        ]
        drawn.append(
            element(
                "g",
                element(
                    "path",
                    d=path,
                    fill="none",
                    stroke=colour(segment.id),
                    stroke_width=2.4,
                    stroke_linejoin="round",
                ),
                dots,
                data_seg=segment.id,
            )
        )
    for segment, wanted, placed in zip(
        segments, ends, spread(ends, 18, top + 4, bottom), strict=True
    ):
        drawn.append(
            element(
                "g",
                rule(right + 6, wanted, right + 20, placed, stroke=colour(segment.id)),
                label(
                    right + 25,
                    placed + 4,
                    shorten(page.name(segment), WIDTH - right - 25, 13 * BOLD),
                    class_="name",
                    fill=colour(segment.id),
                ),
                data_seg=segment.id,
            )
        )
    drawn.append(
        label(
            14,
            (top + bottom) / 2,
            language.text("deviations"),
            class_="mid quiet turned",
            fill=FAINT,
        )
    )
    return page.section(
        "parallel",
        picture(bottom + 72, drawn, says=language.text("parallel")),
        lead=language.text("parallel_lead"),
    )
