"""The features that move a customer's score most, with what they are worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from python_ext.features import CALENDAR
from python_ext.propensity._shapley import Explanation

DRIVERS = 3
NO_EFFECT = 1e-9  # log-odds; smaller is rounding

# Columns of the drivers, in table order.
DRIVER_COLUMNS = {
    "base_log_odds": "double",
    **{
        f"driver_{rank}_{part}": kind
        for rank in range(1, DRIVERS + 1)
        for part, kind in (
            ("feature", "string"),
            ("value", "double"),
            ("level", "string"),
            ("effect", "double"),
        )
    },
    "other_effect": "double",
}


def top_drivers(
    explanation: Explanation, frame: pd.DataFrame, features: Sequence[Any]
) -> pd.DataFrame:
    """The strongest drivers of each row, and what is left.

    Parameters
    ----------
    explanation
        Of the rows of ``frame``.
    frame
        Rows with the columns of the features, in raw units.
    features
        The ``Feature`` of each column of the effects.

    Returns
    -------
    pandas.DataFrame
        ``DRIVER_COLUMNS``. A driver is a feature, its value (a number) or level (a category; both
        null where it is unknown) and its effect on the log-odds; null where no further feature has
        one. Features of the calendar are never named. ``other_effect`` is the sum over all other
        features, so that base, effects and the rest add up to the log-odds before calibration.
    """
    rows = len(frame)
    table: dict[str, Any] = {
        name: np.full(rows, np.nan) if kind == "double" else np.full(rows, None, dtype=object)
        for name, kind in DRIVER_COLUMNS.items()
    }
    table["base_log_odds"][:] = explanation.base
    left = explanation.effects.copy()
    # What everybody has alike is no reason why this one and not another: it stays in the rest.
    named = np.array([feature.view != CALENDAR for feature in features], dtype=bool)
    size = np.where(named, np.abs(left), 0.0)
    every = np.arange(rows)
    for rank in range(1, min(DRIVERS, left.shape[1]) + 1):
        # Of equal effects the first feature by name: the order of the model.
        place = size.argmax(axis=1)
        matters = np.flatnonzero(size[every, place] > NO_EFFECT)
        place = place[matters]
        table[f"driver_{rank}_effect"][matters] = left[matters, place]
        left[matters, place] = 0.0
        size[matters, place] = -1.0
        for column in np.unique(place):
            chosen = matters[place == column]
            feature = features[column]
            table[f"driver_{rank}_feature"][chosen] = feature.name
            values = frame[feature.name].iloc[chosen]
            if feature.kind == "category":
                levels = values.to_numpy(dtype=object, na_value=None)
                table[f"driver_{rank}_level"][chosen] = [
                    None if level is None else str(level) for level in levels
                ]
            else:
                numbers = values.to_numpy(dtype=float, na_value=np.nan)
                table[f"driver_{rank}_value"][chosen] = np.where(
                    np.isfinite(numbers), numbers, np.nan
                )
    table["other_effect"] = left.sum(axis=1)
    return pd.DataFrame(table, index=frame.index)
