"""What every picture is made of: colours, scales, text that fits, the frame around a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from python_ext.report._html import Html, element

BOLD = 1.14  # how much wider bold letters are
WIDTH = 920.0  # of a picture in its own coordinates; the page scales it
# Found by search: twelve colours that stay apart for the colour-blind too, the first eight best,
# and stand out from white by 3:1 or more. A segment has the colour of its id for ever.
PALETTE = (
    "#0c6ca8",
    "#cc5424",
    "#0c9c90",
    "#6c0060",
    "#543000",
    "#3084f0",
    "#84003c",
    "#6c9c6c",
    "#cc840c",
    "#0c90a8",
    "#905430",
    "#009cd8",
)
GREY, INK, FAINT, RULE = "#8a8f94", "#1d2329", "#5d666e", "#d9d6cf"
RFM_IDS = 900
# Below, at and above the average: blue, paper, orange, which every kind of eye tells apart.
COLD, MIDDLE, WARM = (33, 102, 172), (250, 248, 243), (200, 90, 20)


def colour(segment_id: int) -> str:
    """The colour of a segment; grey for prospects and those who may not be profiled."""
    if segment_id <= 0:
        return GREY
    number = segment_id - RFM_IDS if segment_id > RFM_IDS else segment_id
    return PALETTE[(number - 1) % len(PALETTE)]


def blend(value: float) -> str:
    """Colour of a value between −1 and 1 on the scale from cold over paper to warm."""
    value = max(-1.0, min(1.0, value))
    end = WARM if value > 0 else COLD
    mixed = [round(m + (e - m) * abs(value)) for m, e in zip(MIDDLE, end, strict=True)]
    return "#" + "".join(f"{part:02x}" for part in mixed)


def ink_on(background: str) -> str:
    """Black or white, whichever reads better on a colour; one of them always does by 4.5:1."""
    return max(("#000000", "#ffffff"), key=lambda ink: contrast(background, ink))


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(code: str) -> float:
    channels = [int(code[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def scale(low: float, high: float, start: float, end: float):
    """A function from values to coordinates."""
    span = (high - low) or 1.0
    return lambda value: start + (value - low) / span * (end - start)


def text_width(text: str, size: float = 13) -> float:
    """About how wide a text is, on the wide side."""
    return (
        sum(0.34 if c in "iljtfr.,:;'|I ()" else 0.84 if c in "mwMW%—" else 0.55 for c in text)
        * size
    )


def shorten(text: str, width: float, size: float = 13) -> str:
    """The text, cut with an ellipsis where it would be wider."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def wrap(text: str, width: float, size: float = 13, lines: int = 3) -> list[str]:
    """The text in lines of at most this width; what does not fit is cut."""
    words, found, line = text.split(), [], ""
    for word in words:
        longer = f"{line} {word}".strip()
        if line and text_width(longer, size) > width:
            found.append(line)
            line = word
        else:
            line = longer
    found.append(line)
    if len(found) > lines:
        found = [*found[: lines - 1], " ".join(found[lines - 1 :])]
    return [shorten(line, width, size) for line in found]


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places as near as possible to the wanted ones that keep a gap, in the same order."""
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    gap = min(gap, (high - low) / max(len(order) - 1, 1))
    placed: list[float] = []
    for i in order:
        placed.append(max(wanted[i], placed[-1] + gap if placed else low))
    limit = high
    for position in range(len(placed) - 1, -1, -1):
        placed[position] = min(placed[position], limit)
        limit = placed[position] - gap
    result = [0.0] * len(wanted)
    for position, i in enumerate(order):
        result[i] = placed[position]
    return result


def label(x: float, y: float, text: Any, **attributes: Any) -> Html:
    """A text in a picture."""
    return element("text", text, x=float(x), y=float(y), **attributes)


def lines(x: float, y: float, texts: Sequence[str], *, height: float = 15, **attributes) -> Html:
    """A text of several lines."""
    spans = [
        element("tspan", text, x=float(x), dy=0.0 if number == 0 else height)
        for number, text in enumerate(texts)
    ]
    return element("text", *spans, x=float(x), y=float(y), **attributes)


def rect(x: float, y: float, width: float, height: float, **attributes: Any) -> Html:
    """A rectangle; what has no width is not drawn."""
    if width <= 0 or height <= 0:
        return Html("")
    return element(
        "rect", x=float(x), y=float(y), width=float(width), height=float(height), **attributes
    )


def rule(x1: float, y1: float, x2: float, y2: float, **attributes: Any) -> Html:
    """A straight line."""
    return element(
        "line",
        x1=float(x1),
        y1=float(y1),
        x2=float(x2),
        y2=float(y2),
        **{"stroke": RULE, **attributes},
    )


def picture(
    height: float, *content: Any, says: str, width: float = WIDTH, class_: str = ""
) -> Html:
    """A picture; ``says`` is read to who does not see it."""
    return element(
        "svg",
        *content,
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        role="img",
        aria_label=says,
        class_=f"picture {class_}".strip(),
    )


def table(headings: Sequence[Any], rows: Sequence[Sequence[Any]], *, class_: str = "") -> Html:
    """A table whose first column names the row."""
    head = element("tr", [element("th", heading, scope="col") for heading in headings])
    body = [
        element("tr", element("th", row[0], scope="row"), [element("td", cell) for cell in row[1:]])
        for row in rows
    ]
    return element(
        "div",
        element("table", element("thead", head), element("tbody", body)),
        class_=f"table {class_}".strip(),
    )
