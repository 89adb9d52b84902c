"""The purchase probability of one who knows all: computed from the true process itself."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from ._calendar import day_weights

_EPOCH = date(1970, 1, 1)


def oracle_purchase_probability(
    people: pd.DataFrame,
    seasonality: pd.DataFrame,
    *,
    on: date,
    horizon_days: int,
) -> pd.Series:
    """Probability of at least one purchase in [on, on + horizon_days) under the true process.

    A person who is alive on the morning of ``on`` buys on day d for the first time in the
    window with the hazard of a Poisson process of rate ``purchase_rate * s(d)``, where s(d) is
    the factor of the month of d, or zero outside the person's active months. Hence

        P = alive(on) * (1 - exp(-purchase_rate * sum of s(d) over the window)).

    Stopping for good can only follow a purchase, and then the window has its purchase already:
    the dropout probability does not enter. Alive means joined before ``on`` and not stopped
    before ``on``: ``died_on`` is the day of the last purchase, so somebody who died on ``on`` or
    later was still a customer on that morning. Orders that campaigns add are not in it (they
    are listed in _truth/campaign_orders.parquet).

    Nobody can reach this: it knows each person's rate and whether the person is still a
    customer, which history only hints at. What history allows is
    ``attainable_purchase_probability``.

    Parameters
    ----------
    people
        _truth/people.parquet: joined_on, died_on, purchase_rate, active_months, is_prospect.
    seasonality
        _truth/seasonality.parquet: month 1 to 12, factor.
    on
        First day of the window.
    horizon_days
        Its length in days, at least 1.

    Returns
    -------
    pandas.Series
        Float, index of ``people``; 0 for prospects and the dead, NaN for those who join on
        ``on`` or later (their joining is not part of the process).

    Raises
    ------
    ValueError
        If horizon_days is below 1 or seasonality has not exactly the months 1 to 12.
    """
    if horizon_days < 1:
        raise ValueError(f"horizon_days must be at least 1, not {horizon_days}")
    factors = seasonality.sort_values("month")
    if factors["month"].tolist() != list(range(1, 13)):
        raise ValueError("seasonality must have the months 1 to 12, each once")
    season = tuple(factors["factor"])
    days = np.arange(horizon_days) + (on - _EPOCH).days

    windows = people["active_months"].where(people["active_months"].notna(), "")
    totals = {
        months: day_weights(days, months or None, season).sum() for months in windows.unique()
    }
    exposure = windows.map(totals).astype(float)

    morning = pd.Timestamp(on)
    joined = pd.to_datetime(people["joined_on"])
    died = pd.to_datetime(people["died_on"])
    alive = (joined < morning) & (died.isna() | (died >= morning)) & ~people["is_prospect"]
    probability = alive * -np.expm1(-people["purchase_rate"] * exposure)
    not_yet = (joined >= morning) & ~people["is_prospect"]
    return probability.mask(not_yet).rename("purchase_probability")
