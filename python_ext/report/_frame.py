"""What every section shares: its frame, names and colours of segments, small marks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from python_ext.report._drawing import colour, ink_on
from python_ext.report._html import Html, element
from python_ext.report._language import Language
from python_ext.report._read import Published, Segment


class Frame:
    """Sections and tables in the language of a page."""

    language: Language

    def section(
        self, key: str, *content: Any, lead: str | None = None, title: str | None = None
    ) -> Html:
        """A section of the page; without content it says in a sentence why it is left out."""
        text = self.language.text
        if not any(content):
            lead, content = text(f"left_out_{key}"), ()
        return element(
            "section",
            element("h2", title or text(key), id=f"{key}-title"),
            element("p", lead, class_="lead") if lead else None,
            list(content),
            id=key,
            aria_labelledby=f"{key}-title",
            class_=None if any(content) else "left-out",
        )

    def figures(self, table: Html) -> Html:
        """A table under a picture, closed until it is asked for."""
        return element(
            "details", element("summary", self.language.text("figures")), table, class_="figures"
        )


@dataclass(frozen=True)
class Page(Frame):
    """What a section is made from: the data and the language."""

    data: Published
    language: Language

    def name(self, segment: Segment) -> str:
        """Of a segment, in the language of the page."""
        return segment.name_fr if self.language.is_french else segment.name

    def name_of(self, number: int | None) -> str:
        """Of a segment by its id, also of one that is gone or not shown."""
        everyone = [*self.data.segments, *self.data.others, *self.data.withheld]
        for segment in everyone:
            if segment.id == number:
                return self.name(segment)
        if number is None:
            return self.language.text("outside")
        former = self.data.rows("segments", view=self.data.view, level="segment", segment_id=number)
        told = self.language.pick(former[0], "segment") if former else None
        return told or self.language.text("number_only", n=number)


def badge(segment_id: int) -> Html:
    """The number of a segment on its colour."""
    shade = colour(segment_id)
    return element(
        "span",
        str(segment_id - 900 if segment_id > 900 else segment_id),
        class_="badge",
        style=f"background:{shade};color:{ink_on(shade)}",
        aria_hidden="true",
    )


def pill(page: Page, label: str | None) -> Html | None:
    """A stability label; told by word and by shape, not by colour alone."""
    if label is None:
        return None
    return element("span", page.language.label("stability", label), class_=f"pill {label}")
