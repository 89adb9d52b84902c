"""The segments against other ways of seeing customers: rules, RFM, other views."""

from __future__ import annotations

from typing import Any

from python_ext.report._drawing import (
    WIDTH,
    colour,
    ink_on,
    label,
    picture,
    rect,
    shorten,
    table,
)
from python_ext.report._frame import Page, badge
from python_ext.report._html import Html, element
from python_ext.report._language import HARD
from python_ext.report._overview import side
from python_ext.report._profile import heads
from python_ext.report._read import SEGMENT, Row

RFM = "rfm_segment"
RFM_ORDER = (
    "Champions",
    "Loyal",
    "Potential loyalist",
    "New",
    "Promising",
    "Need attention",
    "About to sleep",
    "At risk",
    "Cannot lose",
    "Hibernating",
    "Lost",
)
RULES_PER_SEGMENT = 3
TRAIT_COLUMNS = ("attribute", "known_of", "cramers_v", "p_value", "reading")


def rules(page: Page) -> Html:
    """The surrogate tree, leaf by leaf, in words."""
    language = page.language
    rows = page.data.rows("segment_rules", view=page.data.view)
    if not rows:
        return page.section("rules")
    blocks = []
    for segment in page.data.segments:
        found = [row for row in rows if row["segment_id"] == segment.id]
        found.sort(key=lambda row: (-(row.get("recall") or 0), row["leaf"]))
        items = []
        for row in found[:RULES_PER_SEGMENT]:
            told = row["rule_fr"] if language.is_french else row["rule_en"]
            if not told:
                continue
            told = told.replace(" %", f"{HARD}%")
            shares = [
                language.text(key, share=language.percent(row[column]))
                for key, column in (("rule_right", "precision"), ("rule_of", "recall"))
                if row.get(column) is not None
            ]
            items.append(element("li", told, element("span", " · ".join(shares))))
        if items:
            blocks.append(
                element(
                    "article",
                    element("h3", badge(segment.id), " ", page.name(segment)),
                    element("ul", items),
                    data_seg=segment.id,
                )
            )
    if not blocks:
        return page.section("rules")
    lead = language.text(
        "rules_lead",
        fidelity=language.percent(rows[0].get("fidelity")),
        majority=language.percent(rows[0].get("majority_share")),
    )
    return page.section("rules", element("div", blocks, class_="rules"), lead=lead)


def cross(page: Page) -> Html:
    """Segment by RFM segment as a heat map, and how strongly the two hang together."""
    language = page.language
    rows = [row for row in _crosstab(page) if row["right"] == RFM]
    segments = [s for s in page.data.segments if any(r["id"] == s.id for r in rows)]
    pair = [row for row in _associations(page) if row["right_attribute"] == RFM]
    if not segments or page.data.is_fallback:
        return page.section("cross", _traits(page) if not page.data.is_fallback else None)
    values = sorted({row["value"] for row in rows}, key=_rfm_place)
    names = {row["value"]: row["value_fr"] if language.is_french else row["value"] for row in rows}
    cells = {(row["id"], row["value"]): row for row in rows}
    top, height = 58.0, 28.0
    left = side(page, [names[value] for value in values])
    width = (WIDTH - left) / len(segments)
    drawn: list[Any] = [heads(page, segments, left, width, top)]
    for number, value in enumerate(values):
        y = top + number * height
        drawn.append(label(0, y + 19, shorten(names[value], left - 16, 13)))
        for column, segment in enumerate(segments):
            share = _share_of(segment.id, value, values, cells)
            shade = _strength(share, colour(segment.id))
            x = left + column * width
            drawn.append(
                element(
                    "g",
                    rect(x + 1.5, y + 1.5, width - 3, height - 3, fill=shade, rx=2),
                    label(
                        x + width / 2,
                        y + 19,
                        language.percent(share),
                        class_="mid cell",
                        fill=ink_on(shade),
                    ),
                    data_tip=f"{page.name(segment)}, {names[value]}: {language.percent(share, 1)}",
                    data_seg=segment.id,
                )
            )
    told = None
    if pair and pair[0].get("cramers_v") is not None:
        told = language.text("cramer", v=language.number(pair[0]["cramers_v"], 2))
        read = _reading(page, pair[0])
        told = f"{told} {read}" if read else told
    figures = table(
        ["", *(page.name(s) for s in segments)],
        [
            (
                names[v],
                *(language.number((cells.get((s.id, v)) or {}).get("customers")) for s in segments),
            )
            for v in values
        ],
    )
    return page.section(
        "cross",
        element("p", told, class_="told") if told else None,
        picture(top + len(values) * height + 4, drawn, says=language.text("cross")),
        page.figures(figures),
        _traits(page),
        lead=language.text("cross_lead"),
    )


def _rfm_place(value: str) -> tuple[int, str]:
    """From the best customers to the lost ones; what is no RFM segment comes last."""
    return (RFM_ORDER.index(value) if value in RFM_ORDER else len(RFM_ORDER), value)


def _share_of(
    number: int, value: str, values: list[str], cells: dict[tuple[int, str], Row]
) -> float | None:
    """Share of a segment that lies in an RFM segment; None where it is withheld."""
    row = cells.get((number, value))
    if row is None or row["customers"] is None:
        return None
    if row["share"] is not None:
        return row["share"]
    return row["customers"] / sum(
        (cells.get((number, v)) or {}).get("customers") or 0 for v in values
    )


def _strength(share: float | None, hue: str) -> str:
    """Paper to the segment's colour, full at 60 %."""
    part = min((share or 0.0) / 0.6, 1.0)
    paper = (250, 248, 243)
    ends = [int(hue[place : place + 2], 16) for place in (1, 3, 5)]
    mixed = [round(p + (e - p) * part) for p, e in zip(paper, ends, strict=True)]
    return "#" + "".join(f"{value:02x}" for value in mixed)


def _crosstab(page: Page) -> list[Row]:
    """Rows of the segment of the main view against another attribute, by segment id."""
    by_name = {segment.name: segment.id for segment in page.data.segments}
    found = []
    for row in page.data.rows("segment_crosstab"):
        if row["left_attribute"] not in (SEGMENT, f"{page.data.view}_segment"):
            continue
        number = row.get("left_segment_id") or by_name.get(row["left_value"])
        if number is None:
            continue
        found.append(
            {
                "id": number,
                "right": row["right_attribute"],
                "value": row["right_value"],
                "value_fr": row.get("right_value_fr") or row["right_value"],
                "customers": row.get("customers"),
                "share": row.get("share_of_left"),
            }
        )
    return found


def _associations(page: Page) -> list[Row]:
    return [
        row
        for row in page.data.rows("segment_associations")
        if row["left_attribute"] in (SEGMENT, f"{page.data.view}_segment")
    ]


def _reading(page: Page, row: Row) -> str | None:
    return row.get("reading_fr") if page.language.is_french else row.get("reading_en")


def _traits(page: Page) -> Html | None:
    """How the segments hang together with other traits."""
    language = page.language
    rows = [
        row
        for row in _associations(page)
        if row["right_attribute"] != RFM and row.get("cramers_v") is not None
    ]
    if not rows:
        return None
    rows.sort(key=lambda row: (-row["cramers_v"], row["right_attribute"]))
    headings = [language.text(k) for k in TRAIT_COLUMNS]
    body = []
    for row in rows:
        named = row.get("right_label_fr") if language.is_french else row.get("right_label_en")
        known, unknown = row.get("customers"), row.get("customers_unknown")
        p = row.get("p_value")
        told = "–" if p is None else language.number(p, 3)
        if p is not None and p < 0.001:
            told = "< " + language.number(0.001, 3)
        body.append(
            (
                named or row["right_attribute"].replace("_", " "),
                "–" if known is None else language.percent(known / ((known + (unknown or 0)) or 1)),
                language.number(row["cramers_v"], 2),
                told,
                _reading(page, row) or "",
            )
        )
    return element(
        "div",
        element("h3", language.text("associations")),
        table(headings, body, class_="wordy"),
        element("p", language.text("traits_known"), class_="note"),
    )


def views(page: Page) -> Html:
    """The other views in a few words each."""
    language = page.language
    rows = page.data.rows("segments", level=SEGMENT)
    names = sorted({row["view"] for row in rows} - {page.data.view})
    blocks = []
    for view in names:
        found = [
            row
            for row in rows
            if row["view"] == view
            and row["segment_id"] > 0
            and row.get("is_current", True) is not False
            and row.get("customers") is not None
        ]
        total = sum(row["customers"] for row in found)
        if not total:
            continue
        found.sort(key=lambda row: (-row["customers"], row["segment_id"]))
        items = [
            element(
                "li",
                element("span", language.pick(row, "segment")),
                element("b", language.percent(row["customers"] / total)),
                element(
                    "i",
                    style=f"width:{100 * row['customers'] / total:.1f}%",
                    aria_hidden="true",
                ),
            )
            for row in found
        ]
        blocks.append(
            element(
                "article",
                element(
                    "h3", language.pick(found[0], "view_label") or language.label("view", view)
                ),
                element("ul", items)
                if len(found) > 1
                else element("p", language.text("view_none"), class_="note"),
            )
        )
    if not blocks:
        return page.section("views")
    return page.section(
        "views", element("div", blocks, class_="views"), lead=language.text("views_lead")
    )


def cautions(page: Page) -> Html:
    """What to have in mind, one sentence each."""
    data, language = page.data, page.language
    totals = data.totals
    segmented = totals["segmented"] or 1
    told = []
    if data.about.get("is_synthetic"):
        told.append(language.text("caution_synthetic"))
    if data.is_fallback:
        told.append(language.text("caution_fallback"))
    else:
        told.append(language.text("caution_circular"))
        weak = [s for s in data.segments if s.stability in ("unstable", "doubtful")]
        if weak:
            names = language.listing([page.name(segment) for segment in weak])
            told.append(language.text("caution_unstable", names=names))
    told.append(language.text("caution_cause"))
    for key in ("imputed", "outliers"):
        if totals[key] >= data.floor:
            told.append(
                language.text(
                    f"caution_{key}",
                    n=language.number(totals[key]),
                    share=language.percent(totals[key] / segmented),
                )
            )
    objectors = next((s.customers for s in data.others if s.id == -1), None)
    if objectors:
        told.append(language.text("caution_objectors", n=language.number(objectors)))
    told.append(language.text("caution_small", floor=language.number(data.floor)))
    return page.section(
        "cautions", element("ul", [element("li", item) for item in told], class_="cautions")
    )
