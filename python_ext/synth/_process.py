"""Purchase days: a Poisson process in season time that ends by chance after a purchase."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._calendar import Calendar
from ._people import NEVER
from ._toolbox import rank_within


@dataclass
class Purchases:
    """Purchase days of all people, sorted by person and day, and the end of each person."""

    person: np.ndarray
    day: np.ndarray
    died_day: np.ndarray  # by person; NEVER = still a customer at the end


def simulate_purchases(
    *,
    rate: np.ndarray,
    dropout: np.ndarray,
    window: np.ndarray,
    joined_day: np.ndarray,
    buys_on_joining: np.ndarray,
    calendar: Calendar,
    rng: np.random.Generator,
) -> Purchases:
    """Simulate the purchase days of each person.

    On a day of season s a person alive buys with probability 1 - exp(-rate * s). After every
    purchase day, the one of joining included, the person stops for good with probability
    ``dropout`` (as in the BG/NBD model of Fader, Hardie and Lee 2005, by days).

    Parameters
    ----------
    rate, dropout, window, joined_day, buys_on_joining
        Arrays of length n; rate in purchase days per day at season 1.0.
    calendar
        The history; a person can buy from the day after joined_day to its last day.

    Returns
    -------
    Purchases
    """
    people = len(rate)
    first = np.clip(joined_day + 1, 0, calendar.days)
    lower = calendar.cumulative[window, first]
    upper = calendar.cumulative[window, -1]
    counts = rng.poisson(rate * (upper - lower))
    person = np.repeat(np.arange(people, dtype=np.int64), counts)
    day = calendar.draw_days(rng, window[person], lower[person], upper[person])

    joiners = np.flatnonzero(buys_on_joining)
    keys = np.concatenate(
        [person * calendar.days + day, joiners * calendar.days + joined_day[joiners]]
    )
    keys = np.unique(keys)  # two arrivals on one day are one purchase day
    person, day = np.divmod(keys, calendar.days)

    # Number of purchase days a person would live to see: geometric, the last one included.
    allowed = rng.geometric(dropout)
    rank = rank_within(person)
    died_day = np.full(people, NEVER, dtype=np.int32)
    is_last = rank == allowed[person] - 1
    died_day[person[is_last]] = day[is_last]
    kept = rank < allowed[person]
    return Purchases(person[kept], day[kept].astype(np.int32), died_day)


def add_last_day_purchase(
    purchases: Purchases, candidates: np.ndarray, rate: np.ndarray, calendar: Calendar
) -> bool:
    """Make sure somebody buys on the last day, so that the as-of date does not hang on luck.

    The most frequent buyer among the candidates (boolean by person) who is still a customer
    gets a purchase, if none of the candidates bought that day.

    Returns
    -------
    bool
        Whether a purchase was added.
    """
    last = calendar.days - 1
    if candidates[purchases.person[purchases.day == last]].any():
        return False
    open_to = candidates & (purchases.died_day == NEVER)
    person = int(np.argmax(np.where(open_to, rate, -1.0)))
    position = np.searchsorted(purchases.person, person, side="right")
    purchases.person = np.insert(purchases.person, position, person)
    purchases.day = np.insert(purchases.day, position, last)
    return True
