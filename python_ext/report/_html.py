"""HTML and SVG that cannot be written unescaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

# Elements that have no end tag.
_VOID = {"br", "meta", "input", "hr"}


class Html(str):
    """Text that is markup already; every other text is escaped where it is put into an element."""

    __slots__ = ()


def element(name: str, /, *children: Any, **attributes: Any) -> Html:
    """An element with its content.

    Parameters
    ----------
    name
        Of the element.
    children
        Markup (``Html``), text (escaped), numbers, lists of these, or None (left out).
    attributes
        ``class_`` is ``class``; an underscore inside a name becomes a hyphen; None and False are
        left out, True stands alone.
    """
    written = "".join(
        f" {_attribute(key)}" if value is True else f' {_attribute(key)}="{escape(_text(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(children)}</{name}>")


def join(children: Iterable[Any]) -> Html:
    """Markup one after the other; parameters as ``children`` of ``element``."""
    parts = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, Html):
            parts.append(str(child))
        elif isinstance(child, (list, tuple)):
            parts.append(str(join(child)))
        else:
            parts.append(escape(_text(child)))
    return Html("".join(parts))


def _attribute(key: str) -> str:
    return "viewBox" if key == "viewBox" else key.rstrip("_").replace("_", "-")


def _text(value: Any) -> str:
    """Coordinates to a tenth of a pixel, so that the page is small and equal everywhere."""
    if isinstance(value, float):
        short = f"{value:.1f}"
        return short[:-2] if short.endswith(".0") else short
    return str(value)
