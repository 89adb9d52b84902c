"""When a stored model is made anew: what the rules of segments and of scores have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from python_ext.errors import SegmentationError

MODES = ("auto", "always", "never")
MOST_CHANGES = 5


def check_mode(mode: str, *, name: str) -> None:
    """Refuse a mode that is none of ``MODES``.

    Parameters
    ----------
    name
        The var that holds it.
    """
    if mode not in MODES:
        raise SegmentationError(
            f"{name} is {mode!r}; write {', '.join(MODES[:-1])} or {MODES[-1]}."
        )


def data_fingerprint(frame: pd.DataFrame) -> str:
    """Hash of the rows, whatever their order."""
    columns = sorted(frame.columns)
    hashes = pd.util.hash_pandas_object(frame[columns], index=False).to_numpy().copy()
    hashes.sort()
    return hashlib.sha256("|".join(columns).encode() + hashes.tobytes()).hexdigest()


def settings_changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether the analyst's settings are others than when the model was made, and which.

    Parameters
    ----------
    before, now
        Plain values by name; a mapping among them is compared name by name.
    """
    said = []
    for name in sorted({*before, *now}):
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            parts = [
                *(f"{part} added" for part in sorted({*new} - {*old})),
                *(f"{part} gone" for part in sorted({*old} - {*new})),
                *(f"{part} changed" for part in sorted({*old} & {*new}) if old[part] != new[part]),
            ]
            rest = len(parts) - MOST_CHANGES
            more = f" and {rest} more" if rest > 0 else ""
            said.append(f"{name} ({', '.join(parts[:MOST_CHANGES])}{more})")
        else:
            said.append(f"{name} ({old} before, {new} now)")
    return bool(said), "the settings changed: " + ", ".join(said) if said else ""


def days_since(made_on: str, as_of: date) -> int:
    """Days from an ISO date to another date."""
    return (pd.Timestamp(as_of) - pd.Timestamp(made_on)).days
