"""Where customers lie, and how segments part: the projection and the dendrogram."""

from __future__ import annotations

from typing import Any

from python_ext.report._drawing import (
    BOLD,
    FAINT,
    WIDTH,
    colour,
    label,
    picture,
    rule,
    scale,
    shorten,
    table,
    text_width,
)
from python_ext.report._frame import Page, badge
from python_ext.report._html import Html, element
from python_ext.report._read import SEGMENT, Row

SUB, MICRO = "sub_segment", "micro_segment"
MOST_ENDS = 60  # ends of the tree that are drawn with their names


def projection(page: Page) -> Html:
    """The sample as a map, by t-SNE and by principal components."""
    language = page.language
    shown = {segment.id for segment in page.data.segments}
    rows = [r for r in page.data.rows("segment_projection") if r["segment_id"] in shown]
    if not rows:
        return page.section("projection")
    first = rows[0]
    share = (first.get("pca_1_explained") or 0) + (first.get("pca_2_explained") or 0)
    notes = {
        "tsne": language.text(
            "tsne_note", trust=language.percent(first.get("tsne_trustworthiness"))
        ),
        "pca": language.text("pca_note", share=language.percent(share)),
    }
    kinds = [kind for kind in ("tsne", "pca") if rows[0].get(f"{kind}_1") is not None]
    inputs, labels, panels = [], [], []
    for kind in kinds:
        inputs.append(
            element(
                "input",
                type="radio",
                name="map",
                id=f"map-{kind}",
                checked=kind == kinds[0],
                class_="switch",
            )
        )
        labels.append(element("label", language.text(kind), for_=f"map-{kind}"))
        panels.append(
            element(
                "figure",
                element("h3", language.text(kind), class_="print-only"),
                _scatter(page, rows, kind),
                element("figcaption", notes[kind]),
                class_=f"panel {kind}",
            )
        )
    legend = [
        element("li", badge(s.id), " ", page.name(s), data_seg=s.id)
        for s in page.data.segments
        if any(r["segment_id"] == s.id for r in rows)
    ]
    return page.section(
        "projection",
        element(
            "div",
            inputs,
            element("div", labels, class_="tabs"),
            element("ul", legend, class_="legend"),
            panels,
            class_="switched",
        ),
        lead=language.text("projection_lead", n=language.number(len(rows))),
    )


def _scatter(page: Page, rows: list[Row], kind: str) -> Html:
    language = page.language
    height = 520.0
    xs, ys = [r[f"{kind}_1"] for r in rows], [r[f"{kind}_2"] for r in rows]
    spans = (max(xs) - min(xs)) or 1, (max(ys) - min(ys)) or 1
    # One unit is as long across as down, so that distances are true.
    unit = min((WIDTH - 40) / spans[0], (height - 60) / spans[1])
    if kind == "tsne":
        unit_x, unit_y = (WIDTH - 60) / spans[0], (height - 40) / spans[1]
    else:
        unit_x = unit_y = unit
    middle = (max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2
    drawn: list[Any] = []
    if kind == "pca":
        for number, place in ((1, (WIDTH / 2, height - 6)), (2, (14, height / 2))):
            told = language.text(
                "axis", n=number, share=language.percent(rows[0].get(f"pca_{number}_explained"))
            )
            drawn.append(
                label(*place, told, class_="mid quiet" + (" turned2" if number == 2 else ""))
            )
    names = []
    for segment in page.data.segments:
        points = [
            (
                WIDTH / 2 + (r[f"{kind}_1"] - middle[0]) * unit_x,
                (height - 20) / 2 - (r[f"{kind}_2"] - middle[1]) * unit_y,
            )
            for r in rows
            if r["segment_id"] == segment.id
        ]
        if not points:
            continue
        path = "".join(f"M{x:.0f} {y:.0f}h0" for x, y in points)
        drawn.append(
            element(
                "path",
                d=path,
                stroke=colour(segment.id),
                stroke_width=6.5,
                stroke_linecap="round",
                stroke_opacity="0.72",
                fill="none",
                data_seg=segment.id,
                data_tip=page.name(segment),
            )
        )
        centre = tuple(sorted(values)[len(values) // 2] for values in zip(*points, strict=True))
        names.append((centre, segment))
    return picture(
        height,
        drawn,
        _names(page, names, height),
        says=f"{language.text('projection')}: {language.text(kind)}",
        class_="framed",
    )


def _names(page: Page, names: list[Any], height: float) -> list[Html]:
    """Names of the segments in their middles, moved so that none covers another."""
    placed: list[tuple[float, float, float]] = []
    drawn = []
    for (x, y), segment in sorted(names, key=lambda item: (item[0][1], item[1].id)):
        told = shorten(page.name(segment), 220, 13 * BOLD)
        half = text_width(told, 13 * BOLD) / 2 + 4
        x = max(half, min(WIDTH - half, x))
        while any(abs(y - b) < 20 and abs(x - a) < half + w for a, b, w in placed):
            y += 4
        placed.append((x, y, half))
        drawn.append(
            label(x, min(y, height - 24) + 4, told, class_="mid halo", fill=colour(segment.id))
        )
    return drawn


def tree(page: Page) -> Html:
    """The dendrogram: segments, sub-segments, micro-segments."""
    rows = page.data.rows("segment_tree", view=page.data.view)
    shown = {segment.id for segment in page.data.segments}
    rows = [r for r in rows if r.get("segment_id") is None or r["segment_id"] in shown]
    by_id = {row["node_id"]: row for row in rows}
    children: dict[Any, list[Row]] = {}
    for row in rows:
        if row["parent_node_id"] in by_id:
            children.setdefault(row["parent_node_id"], []).append(row)
    roots = [row for row in rows if row["parent_node_id"] not in by_id]
    if not roots or not children:
        return page.section("tree")
    ends = _ends(rows, children)
    places: dict[Any, float] = {}
    row_height = 24.0
    last = None
    y = 26.0
    for row in ends:
        if last is not None and row.get("segment_id") != last:
            y += 10
        places[row["node_id"]] = y
        last = row.get("segment_id")
        y += row_height
    height = y + 22
    _settle(roots, children, places)
    most = max(row["height"] or 0 for row in rows) or 1.0
    left, right = 26.0, 420.0
    # The square root gives the small splits at the bottom room to be seen.
    x = scale(0, most**0.5, right, left)
    drawn: list[Any] = []
    for row in rows:
        if row["node_id"] not in places:
            continue
        here_x, here_y = x((row["height"] or 0) ** 0.5), places[row["node_id"]]
        shade = colour(row["segment_id"]) if row.get("segment_id") else FAINT
        for child in children.get(row["node_id"], []):
            if child["node_id"] not in places:
                continue
            hue = colour(child["segment_id"]) if child.get("segment_id") else FAINT
            to_x = right if _is_end(child, ends) else x((child["height"] or 0) ** 0.5)
            to_y = places[child["node_id"]]
            drawn.append(
                element(
                    "path",
                    d=f"M{here_x:.1f} {here_y:.1f}V{to_y:.1f}H{to_x:.1f}",
                    fill="none",
                    stroke=hue if child.get("segment_id") else shade,
                    stroke_width=2.2 if child.get("level") == SEGMENT else 1.5,
                    stroke_linejoin="round",
                    data_seg=child.get("segment_id"),
                )
            )
    drawn += _end_labels(page, ends, places, right)
    axis = [
        label(left, 12, f"← {page.language.text('different')}", class_="quiet"),
        label(right, 12, f"{page.language.text('alike')} →", class_="quiet end"),
    ]
    return page.section(
        "tree",
        picture(height, axis, drawn, says=page.language.text("tree")),
        page.figures(_nested(page)),
        lead=page.language.text("tree_lead"),
    )


def _is_end(row: Row, ends: list[Row]) -> bool:
    return any(row["node_id"] == end["node_id"] for end in ends)


def _ends(rows: list[Row], children: dict[Any, list[Row]]) -> list[Row]:
    """What the tree is drawn down to: the deepest level whose names still fit."""
    for level in (MICRO, SUB, SEGMENT):
        wanted = [row for row in rows if row["level"] == level]
        if wanted and (len(wanted) <= MOST_ENDS or level == SEGMENT):
            break
    else:
        wanted = [row for row in rows if row["node_id"] not in children]
    depth = {SEGMENT: 0, SUB: 1, MICRO: 2}
    limit = depth.get(wanted[0]["level"], 2) if wanted else 2
    covered = {row["segment_id"] for row in wanted}
    # A segment that is not divided so far ends where it is.
    for row in rows:
        if (
            row["level"] in depth
            and depth[row["level"]] < limit
            and row["segment_id"] not in covered
        ):
            wanted.append(row)
            covered.add(row["segment_id"])
    return sorted(wanted, key=lambda row: (row.get("x") or 0, row["node_id"]))


def _settle(roots: list[Row], children: dict[Any, list[Row]], places: dict[Any, float]) -> None:
    """A node lies in the middle of what is under it."""

    def visit(row: Row) -> float | None:
        if row["node_id"] in places:
            return places[row["node_id"]]
        under = [visit(child) for child in children.get(row["node_id"], [])]
        known = [place for place in under if place is not None]
        if not known:
            return None
        places[row["node_id"]] = (min(known) + max(known)) / 2
        return places[row["node_id"]]

    for root in roots:
        visit(root)


def _end_labels(page: Page, ends: list[Row], places: dict[Any, float], right: float) -> list[Html]:
    language = page.language
    drawn = []
    segments_at: dict[int, list[float]] = {}
    for row in ends:
        y = places[row["node_id"]]
        if row.get("segment_id"):
            segments_at.setdefault(row["segment_id"], []).append(y)
        told = _node_name(page, row)
        counted = language.number(row["customers"]) if row.get("customers") is not None else ""
        drawn.append(label(right + 10, y + 4, shorten(told, 236, 12), class_="small"))
        drawn.append(label(right + 296, y + 4, counted, class_="small end quiet"))
    for number, ys in segments_at.items():
        segment = page.data.segment(number)
        if segment is None:
            continue
        drawn.append(
            rule(
                right + 308,
                min(ys) - 9,
                right + 308,
                max(ys) + 9,
                stroke=colour(number),
                stroke_width=4,
            )
        )
        drawn.append(
            label(
                right + 320,
                (min(ys) + max(ys)) / 2 + 5,
                shorten(page.name(segment), WIDTH - right - 320, 13 * BOLD),
                class_="name",
                fill=colour(number),
            )
        )
    return drawn


def _node_name(page: Page, row: Row) -> str:
    level = row["level"]
    number = row.get(f"{level}_id") if level != SEGMENT else row.get("segment_id")
    found = page.data.rows("segments", view=page.data.view, level=level, segment_id=number)
    told = page.language.pick(found[0], "segment") if found else None
    if told:
        return told
    return f"{page.language.label('level', level)} {number or ''}".strip()


def _nested(page: Page) -> Html:
    """Levels below the segment, as a table."""
    language = page.language
    text = language.text
    rows = []
    for segment in page.data.segments:
        for level in (SUB, MICRO):
            for row in page.data.rows("segments", view=page.data.view, level=level):
                root = row.get("root_segment_id") or _root(page, row)
                is_shown = row.get("customers") and row.get("is_current", True)
                if root == segment.id and is_shown:
                    rows.append(
                        (
                            language.pick(row, "segment"),
                            text(f"level_{level}"),
                            page.name(segment),
                            language.number(row["customers"]),
                            language.pick(row, "description") or "",
                        )
                    )
    headings = [text("segment"), text("level"), text("of").capitalize()]
    return table([*headings, text("customers").capitalize(), ""], rows, class_="wordy")


def _root(page: Page, row: Row) -> int | None:
    """The segment that a sub- or micro-segment lies in."""
    parent = row.get("parent_segment_id")
    if row["level"] == SUB or parent is None:
        return parent
    above = page.data.rows("segments", view=page.data.view, level=SUB, segment_id=parent)
    return above[0].get("parent_segment_id") if above else None
