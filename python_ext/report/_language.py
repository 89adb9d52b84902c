"""Numbers, dates and texts as an English or a French reader writes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

from python_ext.errors import SegmentationError
from python_ext.report._texts import TEXTS

LANGUAGES = ("en", "fr")
THIN, HARD = "\u202f", "\u00a0"  # spaces at which no line breaks
SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$"}
MONTHS = {
    "en": "January February March April May June July August September October November December",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
}


class Language:
    """Formats by language.

    Parameters
    ----------
    code : str
        en or fr.
    texts : mapping, optional
        Texts of another page, English and French; those here stand behind them.

    Raises
    ------
    SegmentationError
        Another code.
    """

    def __init__(self, code: str, texts: Mapping[str, tuple[str, str]] | None = None) -> None:
        if code not in LANGUAGES:
            raise SegmentationError(
                f"The page is written in {' or '.join(LANGUAGES)}, not in {code!r}.", exit_code=2
            )
        self.code = code
        self.is_french = code == "fr"
        self.texts = {**TEXTS, **(texts or {})}

    def text(self, key: str, **values: Any) -> str:
        """A text of ``TEXTS``; what stands in braces is filled in."""
        return self.texts[key][self.is_french].format(**values)

    def plural(self, key: str, count: int, **values: Any) -> str:
        """The text ``key_one`` or ``key_many``; in French, 0 is singular."""
        is_one = count < 2 if self.is_french else count == 1
        return self.text(f"{key}_{'one' if is_one else 'many'}", n=self.number(count), **values)

    def label(self, prefix: str, code: str) -> str:
        """The words for a code, or the code itself, readable, where there are none."""
        found = self.texts.get(f"{prefix}_{code}")
        return found[self.is_french] if found else str(code).replace("_", " ")

    def pick(self, row: Any, column: str) -> str | None:
        """The French column of a row on a French page, else the English one; None if empty."""
        value = row.get(f"{column}_fr") if self.is_french else None
        value = value if isinstance(value, str) and value else row.get(column)
        return value if isinstance(value, str) and value else None

    def number(self, value: Any, digits: int = 0, *, sign: bool = False) -> str:
        """1,234.5 or 1 234,5; a dash for what is unknown."""
        if value is None or not math.isfinite(value):
            return "–"
        text = f"{value:{'+' if sign else ''},.{digits}f}"
        if not any(digit in text for digit in "123456789"):
            text = text.lstrip("+-")
        text = text.replace("-", "−")
        if self.is_french:
            text = text.replace(",", THIN).replace(".", ",")
        return text

    def percent(self, share: Any, digits: int = 0) -> str:
        """0.123 as 12 %; never 0 % of something or 100 % of less than all."""
        if share is None or not math.isfinite(share):
            return "–"
        gap = HARD if self.is_french else ""
        if 0 < share < 0.5 * 10 ** -(digits + 2):
            return f"<{gap}{self.number(10**-digits, digits)}{gap}%"
        if 1 - 0.5 * 10 ** -(digits + 2) < share < 1:
            return f">{gap}{self.number(100 - 10**-digits, digits)}{gap}%"
        return f"{self.number(100 * share, digits)}{gap}%"

    def money(self, value: Any, currency: str | None) -> str:
        """Rounded to three figures: €3.44M, 3,44 M€."""
        if value is None or not math.isfinite(value):
            return "–"
        steps = ((1e9, "bn", 0.9995e9), (1e6, "M", 0.9995e6), (1e3, "k", 1e4))
        size, unit = next(((s, u) for s, u, least in steps if abs(value) >= least), (1, ""))
        scaled = value / size
        digits = 0 if size < 1e6 or abs(scaled) >= 100 else 1 if abs(scaled) >= 10 else 2
        figure = self.number(scaled, digits)
        symbol = SYMBOLS.get(currency or "", currency or "")
        if self.is_french:
            unit = {"bn": "Md", "M": "M", "k": "k", "": ""}[unit]
            return f"{figure}{HARD}{unit}{symbol}".rstrip(HARD)
        spaced = f"{symbol}{HARD}" if len(symbol) > 1 else symbol
        return f"{spaced}{figure}{unit}"

    def times(self, index: float) -> str:
        """An index against 100 in words: 2.3 times the average, 40 % below the average."""
        ratio = index / 100
        if ratio >= 1.8:
            return self.text("times_average", n=self.number(ratio, 1))
        if ratio < 1:
            return self.text("below_average", n=self.percent(1 - ratio))
        return self.text("above_average", n=self.percent(ratio - 1))

    def date(self, value: date | None) -> str:
        """1 July 2026, 1er juillet 2026."""
        if value is None:
            return self.text("unknown_day")
        month = MONTHS[self.code].split()[value.month - 1]
        day = "1er" if self.is_french and value.day == 1 else str(value.day)
        return f"{day} {month} {value.year}"

    def listing(self, items: list[str]) -> str:
        """a, b and c."""
        if len(items) < 2:
            return "".join(items)
        return f"{', '.join(items[:-1])} {self.text('and')} {items[-1]}"
