"""What observations tell of a customer's type, and of whether somebody is still a customer."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import betaln, gammaln, logsumexp, roots_jacobi
from scipy.stats import binom, norm

from ._calendar import Calendar, month_numbers
from ._people import mean_tastes
from ._settings import (
    BETA_SIZE,
    BROWSING_AFTER_END,
    BROWSING_SHAPE,
    CATEGORIES,
    INTEREST_AFTER_END,
    INTEREST_OUT_OF_SEASON,
    TYPES,
    WINDOWS,
    by_type,
)

# Every pair of a type and a window of months its people buy in, and the share among people.
COMBINATIONS = tuple(
    (kind, WINDOWS.index(months), customer_type.share * share)
    for kind, customer_type in enumerate(TYPES)
    for months, share in customer_type.active_months
)
ALIVE, STOPPED = 0, 1

_VISIBLE = 0.85  # of a person's visits, those with a cookie that is known to be theirs
_OPEN_RATES = 24
_SHARES = {
    "discounted_orders": "discount",
    "web_orders": "web_share",
    "returned_orders": "return_rate",
}


def type_log_likelihood(customers: pd.DataFrame) -> np.ndarray:
    """Log-likelihood of each type by what a customer bought and who the customer is.

    Parameters
    ----------
    customers
        Optional columns, null where unknown: ``lines_<category>`` (sold order lines; a
        category without a column was not sold), ``orders``, ``discounted_orders``, ``web_orders``,
        ``returned_orders``, ``age`` (years at the end of the history), ``is_female``.

    Returns
    -------
    numpy.ndarray
        Shape (customers, types); zero where nothing is known.
    """
    found = np.zeros((len(customers), len(TYPES)))
    lines, columns = None, [f"lines_{name}" for name in CATEGORIES]
    if customers.columns.isin(columns).any():
        lines = customers.reindex(columns=columns).fillna(0).to_numpy(float)
        alpha = mean_tastes() * by_type("taste_size")[:, None]
        for kind, of_kind in enumerate(alpha):
            # Dirichlet-multinomial; what does not depend on the type is left out.
            found[:, kind] += (gammaln(of_kind + lines) - gammaln(of_kind)).sum(axis=1)
            found[:, kind] += gammaln(of_kind.sum()) - gammaln(of_kind.sum() + lines.sum(axis=1))
    if "orders" in customers:
        orders = customers["orders"].fillna(0).to_numpy(float)[:, None]
        if lines is not None:
            further = np.clip(lines.sum(axis=1)[:, None] - orders, 0, 4 * orders)
            found += binom.logpmf(further, 4 * orders, by_type("extra_lines"))
        for column, attribute in _SHARES.items():
            if column in customers:
                count = np.minimum(customers[column].fillna(0).to_numpy(float)[:, None], orders)
                size = BETA_SIZE[attribute]
                a, b = by_type(attribute) * size, (1 - by_type(attribute)) * size
                found += betaln(a + count, b + orders - count) - betaln(a, b)
    if "age" in customers:
        mean, spread = by_type("age").T
        age = customers["age"].to_numpy(float)[:, None]
        found += np.nan_to_num(norm.logpdf(age, mean, spread))
    if "is_female" in customers:
        female = customers["is_female"].astype("boolean")
        chance = np.where(
            female.fillna(False).to_numpy(bool)[:, None], by_type("female"), 1 - by_type("female")
        )
        found += np.where(female.isna().to_numpy()[:, None], 0.0, np.log(chance))
    return found


def life_log_likelihood(
    index: pd.Index,
    *,
    begin: np.ndarray,
    last: np.ndarray,
    morning: int,
    calendar: Calendar,
    visits: pd.DataFrame | None = None,
    mails: pd.DataFrame | None = None,
) -> np.ndarray:
    """Log-likelihood of visits and opened mails, for a customer still and for a former one.

    Former customers stopped after their last purchase day; from the next day on they browse and
    open less.

    Parameters
    ----------
    index
        The customers.
    begin, last
        Day from which the customer surely was one, and day of the last purchase; days of the
        calendar, as ``morning``, before which everything was observed.
    visits, mails
        As in ``attainable_purchase_probability``.

    Returns
    -------
    numpy.ndarray
        Shape (customers, combinations, 2): ALIVE, STOPPED.
    """
    found = np.zeros((len(index), len(COMBINATIONS), 2))
    kinds = [kind for kind, _, _ in COMBINATIONS]
    if visits is not None:
        row, day = _placed(visits, index, morning, calendar)
        row, day = row[day >= begin[row]], day[day >= begin[row]]
        found += _of_visits(row, day > last[row], begin, last, morning, calendar)[:, kinds]
    if mails is not None:
        row, day = _placed(mails, index, morning, calendar)
        opened = _known_rows(mails, index, morning, calendar)["is_opened"].to_numpy(bool)
        counts = np.zeros((2, 2, len(index), 12))  # after the last purchase, opened
        month = month_numbers(day + calendar.epoch_day) - 1
        np.add.at(counts, ((day > last[row]).astype(int), opened.astype(int), row, month), 1)
        for number, (kind, window, _) in enumerate(COMBINATIONS):
            found[:, number] += _of_mails(counts, kind, window)
    return found


def active_months(window: int) -> np.ndarray:
    """Whether somebody of this window buys in each of the twelve months."""
    months = WINDOWS[window]
    if months is None:
        return np.ones(12, dtype=bool)
    return np.isin(np.arange(1, 13), [int(month) for month in months.split(",")])


def days_of(dates: pd.Series, calendar: Calendar) -> np.ndarray:
    """Days of the calendar of dates, NaN where null."""
    days = pd.to_datetime(dates).dt.floor("D")
    return ((days - pd.Timestamp(calendar.start)).dt.days).to_numpy(float)


def _known_rows(
    events: pd.DataFrame, index: pd.Index, morning: int, calendar: Calendar
) -> pd.DataFrame:
    day = days_of(events["day"], calendar)
    return events[(day < morning) & events["customer"].isin(index).to_numpy()]


def _placed(
    events: pd.DataFrame, index: pd.Index, morning: int, calendar: Calendar
) -> tuple[np.ndarray, np.ndarray]:
    """Position of the customer and day of each event before the cutoff."""
    known = _known_rows(events, index, morning, calendar)
    return index.get_indexer(known["customer"]), days_of(known["day"], calendar).astype(int)


def _of_visits(
    row: np.ndarray,
    is_after: np.ndarray,
    begin: np.ndarray,
    last: np.ndarray,
    morning: int,
    calendar: Calendar,
) -> np.ndarray:
    """Negative binomial of the visits in season time, shape (customers, types, 2)."""
    count = np.bincount(row, minlength=len(begin))[:, None].astype(float)
    after = np.bincount(row[is_after], minlength=len(begin))[:, None]
    season = calendar.cumulative[0]
    until = (season[last + 1] - season[begin])[:, None]
    since = (season[morning] - season[last + 1])[:, None]
    prior = BROWSING_SHAPE / (by_type("sessions_per_year") / 365 * _VISIBLE)

    def marginal(exposure: np.ndarray) -> np.ndarray:
        return BROWSING_SHAPE * np.log(prior) - (BROWSING_SHAPE + count) * np.log(prior + exposure)

    stopped = marginal(until + BROWSING_AFTER_END * since) + after * np.log(BROWSING_AFTER_END)
    return np.stack([marginal(until + since), stopped], axis=-1)


def _of_mails(counts: np.ndarray, kind: int, window: int) -> np.ndarray:
    """Beta-binomial of the openings with fading interest, shape (customers, 2)."""
    mean, size = TYPES[kind].open_rate, BETA_SIZE["open_rate"]
    # Gauss-Jacobi: exact as long as fewer mails than twice the nodes were delivered.
    nodes, weights = roots_jacobi(_OPEN_RATES, (1 - mean) * size - 1, mean * size - 1)
    rates, prior = (1 + nodes) / 2, np.log(weights / weights.sum())
    is_active = active_months(window)
    found = []
    for state in (ALIVE, STOPPED):
        total = np.zeros((counts.shape[2], _OPEN_RATES))
        for after in (0, 1):
            fading = INTEREST_AFTER_END if after and state == STOPPED else 1.0
            for months, interest in ((is_active, 1.0), (~is_active, INTEREST_OUT_OF_SEASON)):
                chance = rates * fading * interest
                total += np.outer(counts[after, 1][:, months].sum(axis=1), np.log(chance))
                total += np.outer(counts[after, 0][:, months].sum(axis=1), np.log1p(-chance))
        found.append(logsumexp(total + prior, axis=1))
    return np.stack(found, axis=-1)
