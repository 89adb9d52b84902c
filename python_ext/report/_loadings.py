"""What hangs together in what customers do: features by factors."""

from __future__ import annotations

from typing import Any

from python_ext.report._drawing import WIDTH, blend, ink_on, label, picture, rect, shorten
from python_ext.report._frame import Page
from python_ext.report._html import Html, element
from python_ext.report._overview import side
from python_ext.report._read import Row

LOADING_ROWS, LOADING = 16, 0.4


def loadings(page: Page) -> Html:
    """Features by factors as a heat map, for each view that was reduced to factors."""
    language = page.language
    rows = [row for row in page.data.rows("segment_loadings") if row.get("loading") is not None]
    kept = [row for row in rows if row.get("used_for_clustering")]
    used = kept or rows
    blocks = []
    for view in sorted({row["view"] for row in used}, key=lambda v: (v != page.data.view, v)):
        blocks += _loading_map(page, view, [row for row in used if row["view"] == view])
    if not blocks:
        return page.section("loadings")
    lead = language.text("loadings_lead")
    if not kept:
        lead = f"{lead} {language.text('loadings_unused')}"
    return page.section("loadings", blocks, lead=lead)


def _loading_map(page: Page, view: str, rows: list[Row]) -> list[Html]:
    language = page.language
    factors = sorted({row["factor"] for row in rows})
    cells = {(row["feature"], row["factor"]): row for row in rows}
    best: dict[str, tuple[int, float]] = {}
    for row in rows:
        now = best.get(row["feature"])
        if now is None or abs(row["loading"]) > now[1]:
            best[row["feature"]] = (row["factor"], abs(row["loading"]))
    kept = sorted(best, key=lambda f: (-round(best[f][1], 6), f))[:LOADING_ROWS]
    kept.sort(key=lambda f: (factors.index(best[f][0]), -round(best[f][1], 6), f))
    named = {feature: _feature(page, cells[feature, best[feature][0]]) for feature in kept}
    top, height = 40.0, 26.0
    left = side(page, list(named.values()))
    width = (WIDTH - left) / len(factors)
    drawn: list[Any] = []
    for column, factor in enumerate(factors):
        x = left + (column + 0.5) * width
        drawn.append(label(x, 14, language.text("factor", n=factor), class_="mid head"))
        share = next((r.get("variance_share") for r in rows if r["factor"] == factor), None)
        if share is not None:
            drawn.append(label(x, 31, language.percent(share), class_="mid quiet"))
    for number, feature in enumerate(kept):
        y = top + number * height
        drawn.append(label(0, y + 17, shorten(named[feature], left - 16, 13)))
        for column, factor in enumerate(factors):
            cell = cells.get((feature, factor))
            value = cell["loading"] if cell else 0.0
            shade = blend(value if abs(value) >= LOADING else value * 0.4)
            x = left + column * width
            drawn.append(rect(x + 1.5, y + 1.5, width - 3, height - 3, fill=shade, rx=2))
            drawn.append(
                label(
                    x + width / 2,
                    y + 17,
                    language.number(value, 2),
                    class_="mid cell",
                    fill=ink_on(shade),
                )
            )
    return [
        element("h3", language.label("view", view)),
        picture(
            top + len(kept) * height + 6,
            drawn,
            says=f"{language.text('loadings')}: {language.label('view', view)}",
        ),
    ]


def _feature(page: Page, row: Row) -> str:
    # A profile knows the words of a shop for its categories.
    profile = next(
        (r for r in page.data.rows("segment_profiles") if r["feature"] == row["feature"]), {}
    )
    named = page.language.pick(profile, "feature_label")
    named = named or page.language.pick(row, "feature_label")
    named = named or row.get("label_fr" if page.language.is_french else "label_en")
    return named or str(row["feature"]).replace("_", " ")
