"""The page as a whole: order of the story, style, script."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from python_ext.report import _cross, _loadings, _map, _movement, _overview, _profile, _trust
from python_ext.report._frame import Page
from python_ext.report._html import Html, element
from python_ext.report._language import Language
from python_ext.report._read import read_published

SECTIONS = {
    "cards": _overview.cards,
    "sizes": _overview.sizes,
    "profiles": _profile.profiles,
    "parallel": _profile.parallel,
    "projection": _map.projection,
    "tree": _map.tree,
    "rules": _cross.rules,
    "flows": _movement.flows,
    "cross": _cross.cross,
    "views": _cross.views,
    "stability": _trust.stability,
    "choice": _trust.choice,
    "loadings": _loadings.loadings,
    "cautions": _cross.cautions,
}
# Whatever a page might be made to ask for, the browser refuses.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


def write_report(published: Path, out: Path, *, language: str = "en") -> int:
    """Write the page.

    Parameters
    ----------
    published : Path
        ``publish/segments.duckdb``; opened read-only, marts only.
    out : Path
        File to write; equal marts give equal bytes.
    language : str, default "en"
        en or fr.

    Returns
    -------
    int
        Size in bytes.

    Raises
    ------
    SegmentationError
        The published file is missing, unreadable or of an older version; another language.
    """
    words = Language(language)
    return write_page(compose(Page(read_published(published), words)), out)


def write_page(page: str, out: Path) -> int:
    """Write the text of a page, in a folder that need not be there; its size in bytes."""
    content = page.encode("utf-8")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(content)
    return len(content)


def compose(page: Page) -> str:
    """The page as text."""
    text = page.language.text
    return document(
        page.language,
        f"{text('title')} · {page.data.about.get('dataset') or text('kicker')}",
        [(key, text(key)) for key in SECTIONS],
        [
            _overview.masthead(page),
            [write(page) for write in SECTIONS.values()],
            element(
                "footer",
                element("p", text("colophon", floor=page.language.number(page.data.floor))),
            ),
        ],
    )


def document(
    language: Language, title: str, contents: Sequence[tuple[str, str]], main: Sequence[Any]
) -> str:
    """A page that asks nothing of any network.

    Parameters
    ----------
    language
        Of the page.
    title
        Of the window.
    contents
        Id and name of each section.
    main
        What the page says.
    """
    text = language.text
    folder = Path(__file__).parent
    style, script = (
        Html((folder / name).read_text(encoding="utf-8")) for name in ("page.css", "page.js")
    )
    links = [element("li", element("a", name, href=f"#{key}")) for key, name in contents]
    whole = element(
        "html",
        element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", http_equiv="Content-Security-Policy", content=POLICY),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="robots", content="noindex"),
            element("title", title),
            element("style", style),
        ),
        element(
            "body",
            element("a", text("skip"), href="#main", class_="skip"),
            element(
                "nav",
                element("p", text("contents")),
                element("ul", links),
                aria_label=text("contents"),
            ),
            element("main", list(main), id="main"),
            element("div", id="tip", role="status", hidden=True),
            element("script", script),
        ),
        lang=language.code,
    )
    return f"<!doctype html>\n{whole}\n"
