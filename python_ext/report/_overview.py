"""The top of the page: headline, cards, sizes."""

from __future__ import annotations

import re
from typing import Any

from python_ext.report._drawing import (
    BOLD,
    WIDTH,
    colour,
    label,
    picture,
    rect,
    rule,
    scale,
    shorten,
    table,
    text_width,
)
from python_ext.report._frame import Page, badge, pill
from python_ext.report._html import Html, element
from python_ext.report._read import Row, Segment

WINDOW = re.compile(r"_\d+d$")
RECURRENCE = "bootstrap_jaccard"
MARKS = 3  # features on a card
SOFT = 0.25  # a silhouette under this is no clear division (Kaufman and Rousseeuw)


def masthead(page: Page) -> Html:
    """Title, the figures that matter, and in words how the segments were found."""
    data, language = page.data, page.language
    text = language.text
    about, totals = data.about, data.totals
    facts = [
        (language.number(totals["customers"]), text("customers_known")),
        (language.number(totals["segmented"]), text("customers_segmented")),
        (language.number(_found(page)), text("segments_count")),
        (language.money(totals["revenue"], about.get("base_currency")), text("net_revenue")),
    ]
    if any(segment.id <= 0 for segment in data.withheld):
        del facts[0]  # less those with a segment it would give that group away
    found = recurrence(page)
    if found and not data.is_fallback:
        facts.append((language.number(sum(found) / len(found), 2), text("overall_stability")))
    return element(
        "header",
        element(
            "p",
            f"{text('kicker')} · {text('as_of', day=language.date(about.get('as_of_date')))}",
            class_="kicker",
        ),
        element("h1", text("title")),
        element("p", about.get("dataset_title") or about.get("dataset"), class_="dataset"),
        element("p", text("synthetic"), class_="synthetic") if about.get("is_synthetic") else None,
        element(
            "dl",
            [
                element("div", element("dd", figure), element("dt", words))
                for figure, words in facts
            ],
            class_="facts",
        ),
        _fallback(page) if data.is_fallback else _told(page),
        class_="masthead",
    )


def _found(page: Page) -> int:
    """How many segments there are, those that are not shown among them."""
    return len(page.data.segments) + sum(segment.id > 0 for segment in page.data.withheld)


def chosen_row(page: Page) -> Row | None:
    """The chosen candidate of the main view in the latest run."""
    rows = latest(page.data.rows("segment_quality", view=page.data.view))
    return next((row for row in rows if row.get("is_chosen")), None)


def recurrence(page: Page) -> list[float]:
    """How well each shown segment is found again in samples (Jaccard), where it was measured."""
    shown = {segment.id for segment in page.data.segments}
    found: dict[int, float] = {}
    for row in page.data.rows("segment_stability", view=page.data.view, level="segment"):
        if row["segment_id"] in shown and is_recurrence(row):
            found.setdefault(row["segment_id"], row["value"])
    return list(found.values())


def is_recurrence(row: Row) -> bool:
    """Whether a row of segment_stability says how well a segment recurs in samples."""
    return row.get("value") is not None and row["measure"] == RECURRENCE


def latest(rows: list[Row]) -> list[Row]:
    """Rows of the last as-of date."""
    dates = [row["as_of_date"] for row in rows if row.get("as_of_date") is not None]
    return [row for row in rows if row.get("as_of_date") == max(dates)] if dates else rows


def algorithm(page: Page, row: Row) -> str:
    """The name of an algorithm in words."""
    code = str(row.get("algorithm") or str(row.get("candidate", "")).split("_")[0])
    return page.language.label("algorithm", code.split("_")[0])


def _fallback(page: Page) -> Html:
    text = page.language.text
    return element(
        "div",
        element("h2", text("fallback_title")),
        element("p", text("fallback")),
        class_="notice",
        role="note",
    )


def _told(page: Page) -> Html:
    data, language = page.data, page.language
    shown = [
        language.plural(
            "headline", _found(page), customers=language.number(data.totals["segmented"])
        )
    ]
    if data.segments and data.segments[0].revenue_share:
        top = data.segments[0]
        shown.append(
            language.text(
                "headline_top",
                name=page.name(top),
                share=language.percent(top.share),
                revenue=language.percent(top.revenue_share),
            )
        )
    return element(
        "div",
        element("p", " ".join(shown), class_="standfirst"),
        element("p", " ".join(_how_found(page)), class_="how") if chosen_row(page) else None,
    )


def _how_found(page: Page) -> list[str]:
    language = page.language
    row = chosen_row(page)
    every = page.data.rows("segment_quality", view=page.data.view)
    tried = [r for r in latest(every) if (r.get("k") or 0) > 1]
    words = {
        "algorithm": algorithm(page, row),
        "k": language.number(row.get("k")),
        "rows": language.number(row.get("fitted_rows")),
        "tried": language.number(len(tried)),
    }
    passed = sum(bool(r.get("is_admissible")) for r in tried)
    if row.get("decision") == "kept":
        told = [language.text("chosen_kept", **words)]
    elif row.get("votes"):
        key = "chosen_only" if passed == 1 else "chosen_fitted"
        told = [language.text(key, passed=language.number(passed), **words)]
    else:
        told = [language.text("chosen_fixed", **words)]
    found = recurrence(page)
    if found:
        told.append(language.text("recur", value=language.number(min(found), 2)))
    silhouette = row.get("silhouette")
    if silhouette is not None and silhouette < SOFT:
        told.append(language.text("soft", value=language.number(silhouette, 2)))
    return told


def cards(page: Page) -> Html:
    """A card for each segment."""
    data, language = page.data, page.language
    found = [_card(page, segment) for segment in data.segments]
    note = None
    if data.withheld:
        note = element(
            "p",
            language.plural(
                "withheld",
                len(data.withheld),
                names=language.listing([page.name(segment) for segment in data.withheld]),
            ),
            class_="note",
        )
    return page.section(
        "cards",
        element("div", found, class_="cards pairs" if len(found) in (2, 4) else "cards")
        if found
        else None,
        note,
        lead=language.text("cards_lead"),
    )


def _card(page: Page, segment: Segment) -> Html:
    language = page.language
    text = language.text
    action = language.pick(segment.row, "action")
    marks = [
        element("li", element("b", row_label(page, row)), f" {language.times(row['index_vs_all'])}")
        for row in _marks(page, segment)
    ]
    return element(
        "article",
        element(
            "header",
            badge(segment.id),
            element("h3", page.name(segment)),
            pill(page, None if page.data.is_fallback else segment.stability),
        ),
        element("p", language.pick(segment.row, "description"), class_="line"),
        element(
            "dl",
            _share(page, segment.share, "of_customers", colour(segment.id), segment.customers),
            _share(page, segment.revenue_share, "of_revenue", colour(segment.id), None),
            class_="shares",
        ),
        element("ul", marks, class_="marks" if marks else "nothing"),
        element(
            "p",
            [element("b", text("what_to_do")), " ", action] if action else None,
            class_="action" if action else "nothing",
        ),
        class_="card",
        style=f"--hue:{colour(segment.id)}",
        data_seg=segment.id,
    )


def _share(page: Page, share: float | None, words: str, shade: str, count: int | None) -> Html:
    language = page.language
    told = f" · {language.number(count)}" if count is not None else ""
    width = f"{100 * (share or 0):.1f}"
    return element(
        "div",
        element("dd", language.percent(share)),
        element("dt", language.text(words) + told),
        element(
            "div",
            element("i", style=f"width:{width}%;background:{shade}"),
            class_="meter",
            aria_hidden="true",
        ),
    )


def _marks(page: Page, segment: Segment) -> list[Row]:
    """The features that mark a segment most, as far as an index can say it."""
    rows = [
        row
        for row in page.data.rows(
            "segment_profiles",
            view=page.data.view,
            level="segment",
            segment_id=segment.id,
        )
        if row.get("index_vs_all") is not None
        and row.get("z") is not None
        and row["index_vs_all"] >= 0
    ]
    rows.sort(key=lambda row: (row.get("differentiator_rank") or 10**6, row["feature"]))
    named: dict[str, Row] = {}
    for row in rows:
        named.setdefault(window_free(row["feature"]), row)
    return list(named.values())[:MARKS]


def window_free(feature: str) -> str:
    """A feature without the days it looks back: revenue_365d says what revenue says."""
    return WINDOW.sub("", feature)


def row_label(page: Page, row: Row) -> str:
    """A feature in words."""
    return page.language.pick(row, "feature_label") or str(row["feature"]).replace("_", " ")


def side(page: Page, texts: list[str], most: float = 320.0) -> float:
    """How much room the names of the rows need at the left of a picture."""
    return min(most, max(text_width(told, 13 * BOLD) for told in texts) + 16)


def sizes(page: Page) -> Html:
    """Share of customers beside share of revenue, for each segment."""
    data, language = page.data, page.language
    text = language.text
    shown = [*data.segments, *(s for s in data.others if s.customers)]
    if not data.segments:
        return page.section("sizes")
    start = side(page, [page.name(segment) for segment in shown])
    end = WIDTH - 70
    most = max(max(s.share or 0, s.revenue_share or 0) for s in shown) or 1
    x = scale(0, most, start, end)
    drawn: list[Any] = []
    for number, segment in enumerate(shown):
        y = 34.0 + number * 46
        drawn.append(
            element(
                "g",
                rule(0, y + 34, WIDTH, y + 34),
                label(0, y + 18, shorten(page.name(segment), start - 12, 13 * BOLD), class_="name"),
                rect(start, y, x(segment.share or 0) - start, 11, fill=colour(segment.id)),
                label(x(segment.share or 0) + 7, y + 10, language.percent(segment.share)),
                rect(
                    start,
                    y + 14,
                    x(segment.revenue_share or 0) - start,
                    11,
                    fill=colour(segment.id),
                    fill_opacity="0.45",
                ),
                label(
                    x(segment.revenue_share or 0) + 7,
                    y + 24,
                    language.percent(segment.revenue_share),
                    class_="quiet",
                ),
                data_seg=segment.id,
            )
        )
    key = [
        rect(start, 5, 22, 9, fill="#5d666e"),
        label(start + 29, 14, text("share_customers"), class_="quiet"),
        rect(start + 200, 5, 22, 9, fill="#5d666e", fill_opacity="0.45"),
        label(start + 229, 14, text("share_revenue"), class_="quiet"),
    ]
    rows = [
        (
            page.name(s),
            language.number(s.customers),
            language.percent(s.share, 1),
            language.money(s.revenue, data.about.get("base_currency")),
            language.percent(s.revenue_share, 1),
            language.money((s.revenue or 0) / s.customers, data.about.get("base_currency")),
        )
        for s in shown
        if s.customers
    ]
    headings = [text("segment"), text("customers").capitalize(), text("share_customers")]
    headings += [text("revenue"), text("share_revenue"), text("revenue_per_customer")]
    return page.section(
        "sizes",
        picture(34.0 + len(shown) * 46, key, drawn, says=text("sizes")),
        page.figures(table(headings, rows)),
        lead=text("sizes_lead"),
    )
