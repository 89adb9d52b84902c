"""The purchase probability history allows: Bayes' rule with the true hyperparameters."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date

import numpy as np
import pandas as pd
from scipy.special import betaln, logsumexp
from scipy.stats import gamma

from ._calendar import Calendar, day_weights, month_numbers
from ._evidence import (
    ALIVE,
    COMBINATIONS,
    STOPPED,
    active_months,
    days_of,
    life_log_likelihood,
    type_log_likelihood,
)
from ._people import mean_rates
from ._settings import (
    CAMPAIGNS,
    EARLY_RECORD_SHARE,
    IDLE_CAMPAIGNS,
    INSTALLED_BASE_DAYS,
    INSTALLED_BASE_SHARE,
    LONGEST_LEAD,
    RESPONSE_CHANCE,
    SEASON,
    TREATMENT_SHARES,
    TYPES,
    UPLIFT_DAYS,
    UPLIFT_MEDIAN,
    UPLIFT_SPREAD,
    WINDOWS,
    by_type,
)

_RATES = 128  # nodes of the rate, even in its logarithm: finer than any posterior
_TAIL = 1e-9
_CHUNK = 10_000


@dataclass(frozen=True)
class _History:
    """Purchase days before the cutoff by customer; days of the calendar, months from 0."""

    first: np.ndarray
    last: np.ndarray
    count: np.ndarray
    by_month: np.ndarray  # (customers, 12)
    first_month: np.ndarray
    known: np.ndarray  # day of the first record, NaN = unknown

    def __getitem__(self, rows: slice) -> _History:
        return _History(*(getattr(self, field.name)[rows] for field in fields(self)))


def attainable_purchase_probability(
    customers: pd.DataFrame,
    purchases: pd.DataFrame,
    *,
    on: date,
    horizon_days: int,
    end_on: date,
    visits: pd.DataFrame | None = None,
    mails: pd.DataFrame | None = None,
    campaigns: pd.Series | None = None,
) -> pd.Series:
    """Probability of a purchase in [on, on + horizon_days) given what was seen before ``on``.

    ``oracle_purchase_probability`` knows each person's rate and whether the person has stopped.
    This knows neither: it is the posterior under the process that made the data with its true
    hyperparameters (types and their shares, windows of months, gamma of the rate, beta of the
    dropout, season, installed base). No score made of the same observations is better on
    average: what it reaches is the ceiling of a model.

    Given type, window of months and rate r, the purchase days have the likelihood of a BG/NBD
    model in season time (Fader, Hardie and Lee 2005, by days): a factor 1 - exp(-r s(d)) for
    each purchase day d and exp(-r s(d)) for each other day while a customer. After n purchase
    days the chance of having survived them all is B(a, b + n) / B(a, b), that of having stopped
    on the last B(a + 1, b + n - 1) / B(a, b). The rate is integrated on a grid; types and windows
    are summed over. A joiner bought on joining, which is worth s(d) over the season of the whole
    history; the installed base was exposed from the first day of the history. The day of the
    first record tells which; where both are possible both are summed over.

    Beside the purchase days it uses what tells the type (categories, lines, discounts, returns,
    channel, age, gender) and what tells whether somebody is still a customer (visits, opened
    mails), each taken as independent of the others given type, window and state.

    Left out, so that the true ceiling lies a little higher: price position, income, place,
    device, survey, tickets, clicks and social media (the type is nearly certain without), and
    that a purchase after a mail may be the campaign's (past ones are taken for the customer's
    own). Campaigns sent shortly before or within the window add orders at their mean effect.

    Parameters
    ----------
    customers
        Index: the customers. Optional columns, null where unknown: ``known_on`` (day of the
        first record), ``is_mailable`` (consent to mails on that morning), and those of
        ``_evidence.type_log_likelihood``: ``lines_<category>``, ``orders``,
        ``discounted_orders``, ``web_orders``, ``returned_orders``, ``age``, ``is_female``.
    purchases
        One row per customer and purchase day: ``customer``, ``day``.
    on, horizon_days
        First day of the window and its length in days.
    end_on
        Last day of the generated history.
    visits, mails
        Browsing on the web (``customer``, ``day``) and mails delivered (``customer``, ``day``,
        ``is_opened``: before ``on``).
    campaigns
        Days on which campaigns were or will be sent.

    Returns
    -------
    pandas.Series
        Float, index of ``customers``. Of purchases, visits and mails, those from ``on`` on are
        not looked at.

    Raises
    ------
    ValueError
        If horizon_days is below 1, ``on`` is outside of the history, or a customer has no
        purchase before it.
    """
    calendar = Calendar.ending(end_on)
    morning = (on - calendar.start).days
    if horizon_days < 1:
        raise ValueError(f"horizon_days must be at least 1, not {horizon_days}")
    if not 0 < morning <= calendar.days:
        raise ValueError(f"{on} is outside of the history from {calendar.start} to {end_on}")
    history = _history(customers, purchases, morning, calendar)
    parts = []
    for begin in range(0, len(customers), _CHUNK):
        rows = slice(begin, begin + _CHUNK)
        part, people = history[rows], customers.iloc[rows]
        life = life_log_likelihood(
            people.index,
            # Whoever has a record from before the history was a customer all through it.
            begin=np.where(part.known < 0, 0, part.first),
            last=part.last,
            morning=morning,
            calendar=calendar,
            visits=visits,
            mails=mails,
        )
        evidence = life + type_log_likelihood(people)[:, [k for k, _, _ in COMBINATIONS], None]
        refused = _no_campaign_order(people, campaigns, morning, horizon_days, calendar)
        parts.append(_probability(part, evidence, refused, morning, horizon_days, calendar))
    found = np.concatenate(parts) if parts else np.zeros(0)
    return pd.Series(found, index=customers.index, name="purchase_probability")


def _history(
    customers: pd.DataFrame, purchases: pd.DataFrame, morning: int, calendar: Calendar
) -> _History:
    rows = customers.index.get_indexer(purchases["customer"])
    days = days_of(purchases["day"], calendar)
    inside = (rows >= 0) & (days >= 0) & (days < morning)
    keys = np.unique(rows[inside] * calendar.days + days[inside].astype(np.int64))
    rows, days = np.divmod(keys, calendar.days)
    count = np.bincount(rows, minlength=len(customers))
    if (count == 0).any():
        raise ValueError(f"{(count == 0).sum()} customers have no purchase before the window")
    month = month_numbers(days + calendar.epoch_day) - 1
    by_month = np.zeros((len(customers), 12))
    np.add.at(by_month, (rows, month), 1)
    ends = np.cumsum(count)
    known = np.full(len(customers), np.nan)
    if "known_on" in customers:
        known = days_of(customers["known_on"], calendar)
    return _History(days[ends - count], days[ends - 1], count, by_month, month[ends - count], known)


def _origin(history: _History) -> tuple[np.ndarray, np.ndarray]:
    """Log-prior of being of the installed base and of having joined, given the first record."""
    lead = history.first - history.known
    early = EARLY_RECORD_SHARE / LONGEST_LEAD
    joined = np.where(lead == 0, 1 - EARLY_RECORD_SHARE, np.where(lead <= LONGEST_LEAD, early, 0))
    # A record from within the history is a joiner's whatever its date: dates are dirty.
    joined = np.where(history.known >= 0, 1.0, joined)
    installed = np.where(history.known < 0, 1 / (INSTALLED_BASE_DAYS - 1), 0.0)
    is_unknown = np.isnan(history.known)
    joined, installed = np.where(is_unknown, 1.0, joined), np.where(is_unknown, 1.0, installed)
    with np.errstate(divide="ignore"):
        return (
            np.log(installed * INSTALLED_BASE_SHARE),
            np.log(joined * (1 - INSTALLED_BASE_SHARE)),
        )


def _probability(
    history: _History,
    evidence: np.ndarray,
    refused: np.ndarray,
    morning: int,
    horizon_days: int,
    calendar: Calendar,
) -> np.ndarray:
    """Sum over combinations of type and window, origin and state: who is alive and buys."""
    installed, joined = _origin(history)
    future = np.arange(morning, morning + horizon_days) + calendar.epoch_day
    total, silent_alive = [], []
    for number, (kind, window, share) in enumerate(COMBINATIONS):
        season = np.where(active_months(window), SEASON, 0.0)
        rates, prior = _rate_grid(kind, window)
        with np.errstate(divide="ignore"):
            bought = np.maximum(np.log(-np.expm1(-np.outer(season, rates))), -1e300)
            on_joining = np.log(season[history.first_month] / calendar.cumulative[window, -1])
        coming = day_weights(future, WINDOWS[window]).sum()
        size = TYPES[kind].dropout_size
        a, b = TYPES[kind].dropout * size, (1 - TYPES[kind].dropout) * size
        until = calendar.cumulative[window]
        for is_joiner, origin in ((False, installed), (True, joined + on_joining)):
            days = history.by_month.copy()
            if is_joiner:
                days[np.arange(len(days)), history.first_month] -= 1
            likelihood = days @ bought + prior
            began = until[history.first + 1] if is_joiner else np.zeros(len(days))
            base = np.log(share) + origin - betaln(a, b)
            for state, end, lasting in (
                (ALIVE, until[morning], betaln(a, b + history.count)),
                (STOPPED, until[history.last + 1], betaln(a + 1, b + history.count - 1)),
            ):
                quiet = end - began - days @ season
                weight = base + lasting + evidence[:, number, state]
                joint = likelihood - np.outer(quiet, rates)
                total.append(weight + logsumexp(joint, axis=1))
                if state == ALIVE:
                    nothing = weight + logsumexp(joint - coming * rates, axis=1)
                    with np.errstate(divide="ignore"):
                        silent_alive.append(nothing + np.log(refused[:, number]))
    everything = logsumexp(total, axis=0)
    alive = logsumexp([part for i, part in enumerate(total) if i % 2 == ALIVE], axis=0)
    return np.exp(alive - everything) - np.exp(logsumexp(silent_alive, axis=0) - everything)


def _rate_grid(kind: int, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes of the purchase rate and the logarithm of their weights."""
    shape = TYPES[kind].rate_shape
    prior = gamma(shape, scale=mean_rates()[kind, window] / shape)
    logarithms = np.linspace(np.log(prior.ppf(_TAIL)), np.log(prior.isf(_TAIL)), _RATES)
    rates = np.exp(logarithms)
    step = logarithms[1] - logarithms[0]
    return rates, prior.logpdf(rates) + logarithms + np.log(step)


def _no_campaign_order(
    customers: pd.DataFrame,
    campaigns: pd.Series | None,
    morning: int,
    horizon_days: int,
    calendar: Calendar,
) -> np.ndarray:
    """Chance that no campaign adds an order in the window, by customer and combination."""
    none = np.ones((len(customers), len(COMBINATIONS)))
    if campaigns is None or "is_mailable" not in customers:
        return none
    mean = UPLIFT_MEDIAN * np.exp(UPLIFT_SPREAD**2 / 2) * (1 - IDLE_CAMPAIGNS / CAMPAIGNS)
    mean *= np.mean(TREATMENT_SHARES)
    is_mailable = customers["is_mailable"].fillna(False).to_numpy(bool)
    delay = np.arange(UPLIFT_DAYS - 1)
    chance = RESPONSE_CHANCE * (1 - RESPONSE_CHANCE) ** delay
    chance[-1] = (1 - RESPONSE_CHANCE) ** delay[-1]
    for sent in days_of(campaigns, calendar).astype(int):
        day = sent + 1 + delay
        is_inside = (day >= morning) & (day < morning + horizon_days)
        for number, (kind, window, _) in enumerate(COMBINATIONS):
            is_open = day_weights(day + calendar.epoch_day, WINDOWS[window]) > 0
            responds = (chance * is_inside * is_open).sum() * mean * by_type("uplift")[kind]
            none[:, number] *= 1 - is_mailable * responds
    return none
