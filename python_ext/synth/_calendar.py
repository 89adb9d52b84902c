"""The days of the history, their season, and the windows of months people buy in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from ._settings import HISTORY_YEARS, SEASON, WINDOWS
from ._toolbox import SECONDS_PER_DAY

_EPOCH = date(1970, 1, 1)

# Relative traffic of each hour of the day.
_WEB_HOURS = (2, 1, 0.5, 0.5, 0.5, 1, 2, 4, 5, 5, 5, 5, 7, 7, 6, 5, 5, 6, 8, 10, 12, 12, 0, 0)
_STORE_HOURS = (0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 8, 10, 7, 5, 7, 9, 10, 12, 12, 6, 0, 0, 0, 0)


def month_numbers(days: np.ndarray) -> np.ndarray:
    """Month (1 to 12) of days since 1970."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1


def day_weights(
    days: np.ndarray, active_months: str | None, season: tuple[float, ...] = SEASON
) -> np.ndarray:
    """Season of each day (days since 1970) for somebody who buys in these months only."""
    months = month_numbers(days)
    weights = np.asarray(season)[months - 1]
    if active_months is not None:
        active = [int(month) for month in active_months.split(",")]
        weights = np.where(np.isin(months, active), weights, 0.0)
    return weights


@dataclass(frozen=True)
class Calendar:
    """History of some whole years; day 0 is its first day.

    Attributes
    ----------
    start, end_on
        First and last day.
    days
        Number of days.
    weights
        Season per window and day, shape (windows, days).
    cumulative
        Season before each day, shape (windows, days + 1).
    """

    start: date
    end_on: date
    days: int
    weights: np.ndarray
    cumulative: np.ndarray

    @classmethod
    def ending(cls, end_on: date) -> Calendar:
        """Calendar of HISTORY_YEARS years whose last day is end_on."""
        after = end_on + timedelta(days=1)
        year = after.year - HISTORY_YEARS
        # The day after 28 February of a leap year has no counterpart in most years.
        is_leap_day = (after.month, after.day) == (2, 29)
        start = date(year, 2, 28) if is_leap_day else after.replace(year=year)
        days = (after - start).days
        numbers = np.arange(days) + (start - _EPOCH).days
        weights = np.stack([day_weights(numbers, window) for window in WINDOWS])
        cumulative = np.concatenate(
            [np.zeros((len(WINDOWS), 1)), np.cumsum(weights, axis=1)], axis=1
        )
        return cls(start, end_on, days, weights, cumulative)

    @property
    def epoch_day(self) -> int:
        """Day 0 as days since 1970."""
        return (self.start - _EPOCH).days

    @property
    def start_second(self) -> int:
        """Begin of day 0 as seconds since 1970."""
        return self.epoch_day * SECONDS_PER_DAY

    @property
    def end_second(self) -> int:
        """Begin of the day after the last day as seconds since 1970."""
        return self.start_second + self.days * SECONDS_PER_DAY

    def seconds(self, days: np.ndarray) -> np.ndarray:
        """Begin of days of the history as seconds since 1970."""
        return self.start_second + np.asarray(days, dtype=np.int64) * SECONDS_PER_DAY

    def months(self, days: np.ndarray) -> np.ndarray:
        """Month of days of the history."""
        return month_numbers(np.asarray(days) + self.epoch_day)

    def draw_days(
        self,
        rng: np.random.Generator,
        window: np.ndarray,
        lower: np.ndarray,
        upper: np.ndarray,
    ) -> np.ndarray:
        """Draw a day per row from the season between cumulative seasons lower and upper."""
        points = lower + rng.random(len(window)) * (upper - lower)
        drawn = np.empty(len(window), dtype=np.int32)
        for number in range(len(WINDOWS)):
            rows = np.flatnonzero(window == number)
            drawn[rows] = np.searchsorted(self.cumulative[number], points[rows], side="right") - 1
        return np.minimum(drawn, self.days - 1)


def seconds_of_day(rng: np.random.Generator, is_web: np.ndarray) -> np.ndarray:
    """Draw a time of day for web and for store traffic; nothing starts after 22:00."""
    seconds = np.empty(len(is_web), dtype=np.int64)
    for hours, rows in (
        (_WEB_HOURS, np.flatnonzero(is_web)),
        (_STORE_HOURS, np.flatnonzero(~is_web)),
    ):
        cumulative = np.cumsum(hours) / np.sum(hours)
        draws = np.searchsorted(cumulative, rng.random(len(rows)), side="right")
        seconds[rows] = draws * 3600 + rng.integers(0, 3600, len(rows))
    return seconds
