"""Orders and their lines: purchases, cancellations, returns and planted defects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ._calendar import Calendar, seconds_of_day
from ._catalogue import Catalogue
from ._names import DEPARTMENTS, FOREIGN_PLACES
from ._people import People
from ._process import Purchases
from ._records import PRIMARY, Records
from ._settings import CATEGORIES, CURRENCY_RATES, SALES_MONTHS, by_type
from ._toolbox import (
    SECONDS_PER_DAY,
    YEAR_2099,
    beta_around,
    choose_column,
    expand,
    handful,
    ids,
)

PURCHASE, CANCELLED, RETURN, FUTURE, UNKNOWN_CURRENCY = range(5)
_GROCERIES = CATEGORIES.index("groceries")


CURRENCIES = (*CURRENCY_RATES, "XXX")


@dataclass
class Orders:
    """Documents in the order they were made (purchases first) and their lines.

    ``source`` is the purchase a document goes back to; a purchase is its own source.
    """

    kind: np.ndarray
    source: np.ndarray
    person: np.ndarray
    ordered_at: np.ndarray
    is_web: np.ndarray
    currency: np.ndarray
    discount: np.ndarray  # amount
    campaign: np.ndarray  # that caused it, -1 = none
    number: np.ndarray  # of order_id, by time
    line_order: np.ndarray  # document of each line
    line_product: np.ndarray
    line_quantity: np.ndarray
    line_price: np.ndarray
    record: np.ndarray  # row of Records, -1 = none
    is_guest: np.ndarray

    def order_ids(self, documents: np.ndarray) -> pa.Array:
        """order_id of these documents."""
        return ids("O", self.number[documents], 9)


def make_orders(
    people: People,
    purchases: Purchases,
    extra: tuple[np.ndarray, np.ndarray, np.ndarray],
    records: Records,
    catalogue: Catalogue,
    calendar: Calendar,
    rng: np.random.Generator,
    defects: dict[str, int],
) -> Orders:
    """Turn purchase days and the orders caused by campaigns into documents with lines."""
    campaign, extra_person, extra_day = extra
    # Now and then somebody orders twice on the day.
    again = np.flatnonzero(rng.random(len(purchases.person)) < 0.02)
    person = np.concatenate([purchases.person, extra_person, purchases.person[again]])
    day = np.concatenate([purchases.day, extra_day, purchases.day[again]])
    caused_by = np.full(len(person), -1, dtype=np.int16)
    caused_by[len(purchases.person) : len(purchases.person) + len(campaign)] = campaign

    is_web = (rng.random(len(person)) < people.web_share[person]) | people.is_guest_only[person]
    ordered_at = calendar.seconds(day) + seconds_of_day(rng, is_web)
    record = _records_of(person, day, records, rng)
    is_guest = _guests(person, is_web, people, records, rng)
    currency = _currencies(people, rng)[person]

    starts, counts, product, quantity, price = _lines(person, day, currency, people, catalogue, rng)
    value = np.add.reduceat(quantity * price, starts)
    share = _discount_shares(person, calendar.months(day), people, rng)
    discount = np.round(value * share, 2)

    kinds, sources, times = _further_documents(
        person, ordered_at, is_guest, record, people, calendar, rng, defects
    )
    kind = np.concatenate([np.zeros(len(person), dtype=np.int8), kinds])
    source = np.concatenate([np.arange(len(person)), sources])
    ordered_at = np.concatenate([ordered_at, times])

    positions = expand(starts[source], counts[source])
    line_order = np.repeat(np.arange(len(source)), counts[source])
    # Some lines of a returned order stay with the customer, never all of them.
    is_return_line = kind[line_order] == RETURN
    keeps = is_return_line & (rng.random(len(positions)) < 0.35)
    keeps &= positions != starts[source[line_order]]
    positions, line_order = positions[~keeps], line_order[~keeps]
    is_return_line = is_return_line[~keeps]
    # What comes back is refunded at what was paid for it, the order's discount taken off.
    paid = np.round(price[positions] * (1 - share[source[line_order]]), 2)

    number = np.empty(len(source), dtype=np.int64)
    number[np.argsort(ordered_at, kind="stable")] = np.arange(len(source)) + 1
    return Orders(
        kind=kind,
        source=source,
        person=person[source],
        ordered_at=ordered_at,
        is_web=is_web[source],
        currency=np.where(kind == UNKNOWN_CURRENCY, CURRENCIES.index("XXX"), currency[source]),
        discount=np.where(kind == RETURN, 0.0, discount[source]),
        campaign=np.where(kind == PURCHASE, caused_by[source], -1),
        number=number,
        line_order=line_order,
        line_product=product[positions],
        line_quantity=np.where(is_return_line, -1.0, 1.0) * quantity[positions],
        line_price=np.where(is_return_line, paid, price[positions]),
        record=record[source],
        is_guest=is_guest[source],
    )


def _records_of(
    person: np.ndarray, day: np.ndarray, records: Records, rng: np.random.Generator
) -> np.ndarray:
    """CRM record each order is booked on: often the newer one once there is one."""
    record = records.primary[person]
    later = np.flatnonzero(records.origin != PRIMARY)
    later = later[np.argsort(records.person[later], kind="stable")]
    first = np.searchsorted(records.person[later], person, side="left")
    count = np.searchsorted(records.person[later], person, side="right") - first
    rows = np.flatnonzero(count)
    chosen = later[first[rows] + (rng.random(len(rows)) * count[rows]).astype(np.int64)]
    is_used = (records.created_day[chosen] <= day[rows]) & (rng.random(len(rows)) < 0.6)
    record[rows[is_used]] = chosen[is_used]
    return record


def _guests(
    person: np.ndarray,
    is_web: np.ndarray,
    people: People,
    records: Records,
    rng: np.random.Generator,
) -> np.ndarray:
    """Orders placed as a guest: all of the guest-only people and a few of known ones."""
    is_own_address = records.email_is_valid.copy()
    is_own_address[records.shared_email] = False
    possible = np.flatnonzero(is_web & is_own_address[person])
    rows = min(handful(len(person), 0.01), len(possible))
    is_guest = people.is_guest_only[person]
    is_guest[rng.choice(possible, size=rows, replace=False)] = True
    return is_guest


def _currencies(people: People, rng: np.random.Generator) -> np.ndarray:
    """Currency each person pays in: Swiss francs in Switzerland, a few pounds elsewhere."""
    swiss = [len(DEPARTMENTS) + i for i, place in enumerate(FOREIGN_PLACES) if place[0] == "CH"]
    draw = rng.random(len(people))
    codes = np.where(draw < 0.004, CURRENCIES.index("GBP"), 0)
    is_swiss = np.isin(people.place, swiss) & (draw < 0.9)
    return np.where(is_swiss, CURRENCIES.index("CHF"), codes).astype(np.int8)


def _lines(
    person: np.ndarray,
    day: np.ndarray,
    currency: np.ndarray,
    people: People,
    catalogue: Catalogue,
    rng: np.random.Generator,
) -> tuple[np.ndarray, ...]:
    """First line and number of lines per order; product, quantity and price per line."""
    counts = 1 + rng.binomial(4, by_type("extra_lines")[people.kind[person]])
    starts = np.cumsum(counts) - counts
    buyer = np.repeat(person, counts)
    category = choose_column(rng, np.cumsum(people.taste, axis=1)[buyer])
    product = catalogue.choose(category, people.price_position[buyer], rng)
    many = np.where(category == _GROCERIES, 0.9, 0.12)
    quantity = 1.0 + np.minimum(rng.poisson(many), 5)
    # Prices rise by two per cent a year.
    rise = 1.02 ** (np.repeat(day, counts) // 365)
    rates = np.array(list(CURRENCY_RATES.values()))[np.repeat(currency, counts)]
    price = np.round(catalogue.price[product] * rise * rates, 2)
    return starts, counts, product, quantity, price


def _discount_shares(
    person: np.ndarray, month: np.ndarray, people: People, rng: np.random.Generator
) -> np.ndarray:
    """Share of the value taken off each order; more orders have one during the sales."""
    chance = people.discount[person] * np.where(np.isin(month, SALES_MONTHS), 1.25, 1.0)
    is_discounted = rng.random(len(person)) < chance
    depth = beta_around(rng, by_type("discount_depth")[people.kind[person]], 20)
    return np.where(is_discounted, np.round(np.clip(depth, 0.02, 0.7), 2), 0.0)


def _further_documents(
    person: np.ndarray,
    ordered_at: np.ndarray,
    is_guest: np.ndarray,
    record: np.ndarray,
    people: People,
    calendar: Calendar,
    rng: np.random.Generator,
    defects: dict[str, int],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Kind, source purchase and time of cancellations, returns and defective orders.

    Defective orders are further documents: setting them aside leaves the truth as it is.
    """
    count = len(person)
    # A cancelled order is a first attempt, repeated within the hour.
    cancelled = np.flatnonzero(rng.random(count) < 0.025)
    cancelled_at = ordered_at[cancelled] - rng.integers(120, 3600, len(cancelled))
    returned = np.flatnonzero(rng.random(count) < people.return_rate[person])
    returned_at = (
        ordered_at[returned]
        + rng.integers(3, 26, len(returned)) * SECONDS_PER_DAY
        + rng.integers(-1800, 1800, len(returned))
    )
    in_time = returned_at < calendar.end_second
    returned, returned_at = returned[in_time], returned_at[in_time]

    sound = np.flatnonzero(~is_guest & (record >= 0))
    planted = handful(count, 0.002)
    future, foreign = np.split(rng.choice(sound, size=2 * planted, replace=False), 2)
    future_at = YEAR_2099 + rng.integers(0, 365 * SECONDS_PER_DAY, planted)
    defects["future_order"] = defects["unknown_currency"] = planted

    sources = (cancelled, returned, future, foreign)
    kinds = np.repeat(
        np.array([CANCELLED, RETURN, FUTURE, UNKNOWN_CURRENCY], dtype=np.int8),
        [len(rows) for rows in sources],
    )
    times = (cancelled_at, returned_at, future_at, ordered_at[foreign] + 300)
    return kinds, np.concatenate(sources), np.concatenate(times)


def purchase_sessions(orders: Orders) -> np.ndarray:
    """Purchases on the web: the documents a web session can end in."""
    return np.flatnonzero((orders.kind == PURCHASE) & orders.is_web)
