"""The page of the cards: its language, and figures as short as they can be told."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from python_ext.model_cards._facts import Cards
from python_ext.report._frame import Frame
from python_ext.report._html import Html, element
from python_ext.report._language import HARD, SYMBOLS, Language
from python_ext.report._read import Row


@dataclass(frozen=True)
class CardPage(Frame):
    """What a card is made from: the facts and the language."""

    data: Cards
    language: Language

    def short(self, value: float | None) -> str:
        """Two figures after the zeros: 0.0123 is told as 0.012."""
        if value is None or not math.isfinite(value):
            return "–"
        size = abs(value)
        if size < 0.5e-4:
            return self.language.number(0)
        digits = 0 if size >= 100 else 2 if size >= 0.1 else 3 if size >= 0.01 else 4
        return self.language.number(value, digits)

    def interval(self, row: Row | None, digits: int = 3, *, is_share: bool = False) -> str:
        """A figure with its interval, as 0.812 [0.790, 0.834]."""
        if row is None or row.get("value") is None:
            return "–"
        tell = self.language.percent if is_share else self.language.number
        told = tell(row["value"], digits)
        if row.get("ci_low") is None or row.get("ci_high") is None:
            return told
        gap = f"{HARD};{HARD}" if self.language.is_french else f",{HARD}"
        return f"{told}{HARD}[{tell(row['ci_low'], digits)}{gap}{tell(row['ci_high'], digits)}]"

    def money(self, value: float | None) -> str:
        """An amount; small ones with their cents."""
        currency = self.data.about.get("base_currency")
        if value is None or value == 0 or abs(value) >= 100:
            return self.language.money(value, currency)
        digits = 0 if value == round(value) else 2
        figure = self.language.number(value, digits)
        symbol = SYMBOLS.get(currency or "", currency or "")
        if self.language.is_french:
            return f"{figure}{HARD}{symbol}".rstrip(HARD)
        return f"{symbol}{HARD}{figure}" if len(symbol) > 1 else f"{symbol}{figure}"

    def named(self, row: Row, stem: str) -> str | None:
        """The column of a row in the language of the page."""
        return row.get(f"{stem}_{self.language.code}") or row.get(f"{stem}_en")

    def recorded(self, reason: Any) -> Html | None:
        """A reason as the registry holds it: in English, on every page."""
        if not reason:
            return None
        return element(
            "p",
            f"{self.language.text('recorded')} ",
            element("q", reason, lang="en"),
            class_="note",
        )

    def algorithm(self, row: Row | None) -> str:
        """The kind of a model in words."""
        return self.language.label("algorithm", row["algorithm"]) if row else "–"


def titled(page: CardPage, key: str, *content: Any, **values: Any) -> Html | None:
    """A heading and what stands under it; nothing where nothing does."""
    if not any(content):
        return None
    return element("div", element("h3", page.language.text(key, **values)), list(content))


def plain(items: list[Html]) -> Html | None:
    """A list of sentences."""
    return element("ul", items, class_="plain") if items else None


def facts_row(figures: list[tuple[str, str]]) -> Html:
    """The few figures that matter, large."""
    return element(
        "dl",
        [element("div", element("dd", figure), element("dt", words)) for figure, words in figures],
        class_="facts even",
    )
