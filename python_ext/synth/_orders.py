"""Orders and their lines: purchases, cancellations, returns and planted defects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
    coded,
    expand,
    handful,
    ids,
    rank_within,
    timestamps,
    write_table,
)

PURCHASE, CANCELLED, RETURN, FUTURE, UNKNOWN_CURRENCY = range(5)
_STATUS = ("completed", "cancelled", "returned", "completed", "completed")
_FRENCH_CANCELLED = len(_STATUS)
_CURRENCIES = (*CURRENCY_RATES, "XXX")
_GROCERIES = CATEGORIES.index("groceries")


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
        currency=np.where(kind == UNKNOWN_CURRENCY, _CURRENCIES.index("XXX"), currency[source]),
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
    codes = np.where(draw < 0.004, _CURRENCIES.index("GBP"), 0)
    is_swiss = np.isin(people.place, swiss) & (draw < 0.9)
    return np.where(is_swiss, _CURRENCIES.index("CHF"), codes).astype(np.int8)


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


def write_orders(
    orders: Orders,
    people: People,
    records: Records,
    catalogue: Catalogue,
    folder: Path,
    rng: np.random.Generator,
    later_rng: np.random.Generator,
    defects: dict[str, int],
    extremes: np.random.Generator,
) -> dict[str, int]:
    """Write shop/orders and shop/order_lines; return rows by table.

    ``extremes`` is the random stream of the lines with an extreme quantity.
    """
    order = np.argsort(orders.number)
    status, channel = _spelt_in_french(orders, later_rng, defects)
    person = orders.person[order]
    is_guest = orders.is_guest[order]
    is_unknown = people.is_shop_only[person]
    is_known_guest = is_guest & ~people.is_guest_only[person]
    defects["guest_order_known_person"] = int(is_known_guest.sum())
    defects["guest_order_unknown_person"] = int((is_guest & ~is_known_guest).sum())
    defects["order_unknown_customer"] = int(is_unknown.sum())
    customer = customer_numbers(people, records, person, orders.record[order])
    rows = {
        "shop.orders": write_table(
            folder / "shop",
            "orders",
            {
                "order_id": orders.order_ids(order),
                "customer_id": pc.if_else(
                    pa.array(is_guest), pa.scalar(None, pa.string()), ids("C", customer, 7)
                ),
                "guest_email": coded(records.guest_email, person, missing=~is_guest),
                "ordered_at": timestamps(orders.ordered_at[order]),
                "status": coded((*_STATUS, "annulée"), status[order]),
                "channel": coded(("store", "web", "magasin"), channel[order]),
                "currency": coded(_CURRENCIES, orders.currency[order]),
                "discount_amount": pa.array(orders.discount[order]),
            },
        )
    }
    strange = _strange_returns(orders, people, catalogue, later_rng, defects)
    with_extremes = _with_extreme_lines(orders, catalogue, extremes, defects)
    rows["shop.order_lines"] = _write_lines(with_extremes, catalogue, strange, folder, rng, defects)
    return rows


def _spelt_in_french(
    orders: Orders, rng: np.random.Generator, defects: dict[str, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Codes of status and channel, some of them in French."""
    status, channel = orders.kind.astype(np.int64), orders.is_web.astype(np.int64)
    for name, codes, code, candidates in (
        ("french_order_status", status, _FRENCH_CANCELLED, orders.kind == CANCELLED),
        ("french_order_channel", channel, 2, (orders.kind == PURCHASE) & ~orders.is_web),
    ):
        rows = np.flatnonzero(candidates)
        rows = rng.choice(rows, size=min(handful(len(rows), 0.05), len(rows)), replace=False)
        codes[rows] = code
        defects[name] = len(rows)
    return status, channel


def _strange_returns(
    orders: Orders,
    people: People,
    catalogue: Catalogue,
    rng: np.random.Generator,
    defects: dict[str, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Return documents and a product in each that nobody of the household ever bought."""
    products = len(catalogue.number)
    documents = np.flatnonzero(orders.kind == RETURN)
    rows = min(handful(len(orders.line_order), 0.0002), len(documents))
    documents = rng.choice(documents, size=rows, replace=False)
    household = people.household.astype(np.int64)
    bought = np.unique(household[orders.person[orders.line_order]] * products + orders.line_product)
    product = np.full(rows, -1, dtype=np.int64)
    for _ in range(100):
        open_rows = np.flatnonzero(product < 0)
        if not len(open_rows):
            break
        drawn = rng.integers(0, products, len(open_rows))
        pairs = household[orders.person[documents[open_rows]]] * products + drawn
        place = np.searchsorted(bought, pairs)
        is_new = bought[np.minimum(place, len(bought) - 1)] != pairs
        product[open_rows[is_new]] = drawn[is_new]
    found = product >= 0
    defects["return_without_sale"] = int(found.sum())
    return documents[found], product[found]


def customer_numbers(
    people: People, records: Records, person: np.ndarray, record: np.ndarray
) -> np.ndarray:
    """Number of the customer_id of orders; people the CRM does not know have later numbers."""
    unknown = np.zeros(len(people), dtype=np.int64)
    rows = np.flatnonzero(people.is_shop_only)
    unknown[rows] = len(records) + 1 + np.arange(len(rows))
    return np.where(people.is_shop_only[person], unknown[person], records.number[record])


def _write_lines(
    orders: Orders,
    catalogue: Catalogue,
    strange: tuple[np.ndarray, np.ndarray],
    folder: Path,
    rng: np.random.Generator,
    defects: dict[str, int],
) -> int:
    """Lines by order; defective prices stand on lines of their own, so no order loses its last."""
    sound = np.flatnonzero(orders.kind == PURCHASE)
    planted = handful(len(orders.line_order), 0.001)
    negative, zero = np.split(rng.choice(sound, size=2 * planted, replace=False), 2)
    orphans = handful(len(orders.line_order), 0.001)
    defects["negative_price"] = defects["zero_price"] = planted
    defects["orphan_order_line"] = orphans

    more = 2 * planted + orphans
    product = rng.integers(0, len(catalogue.number), more)
    price = np.round(catalogue.price[product], 2)
    price[:planted] *= -1
    price[planted : 2 * planted] = 0.0
    # Orphans point to numbers beyond the last order.
    missing = len(orders.number) + 1 + np.arange(orphans)
    returns, unsold = strange
    number = np.concatenate(
        [
            orders.number[orders.line_order],
            orders.number[negative],
            orders.number[zero],
            missing,
            orders.number[returns],
        ]
    )
    product = np.concatenate([product, unsold])
    price = np.concatenate([price, np.round(catalogue.price[unsold], 2)])
    quantity = np.concatenate([np.ones(more), -np.ones(len(unsold))])
    order = np.argsort(number, kind="stable")
    number = number[order]
    return write_table(
        folder / "shop",
        "order_lines",
        {
            "order_id": ids("O", number, 9),
            "line_number": pa.array((rank_within(number) + 1).astype(np.int32)),
            "product_id": coded(
                catalogue.product_ids, np.concatenate([orders.line_product, product])[order]
            ),
            "quantity": pa.array(np.concatenate([orders.line_quantity, quantity])[order]),
            "unit_price": pa.array(np.concatenate([orders.line_price, price])[order]),
        },
    )


def purchase_sessions(orders: Orders) -> np.ndarray:
    """Purchases on the web: the documents a web session can end in."""
    return np.flatnonzero((orders.kind == PURCHASE) & orders.is_web)


def _with_extreme_lines(
    orders: Orders, catalogue: Catalogue, rng: np.random.Generator, defects: dict[str, int]
) -> Orders:
    """The orders with further lines of a hundred pieces and more, as a slip of the finger makes.

    They stand in cancelled orders: somebody noticed, so that the true purchases stay as they are.
    """
    planted = handful(len(orders.line_order), 0.0003)
    order = rng.choice(np.flatnonzero(orders.kind == CANCELLED), size=planted)
    product = rng.integers(0, len(catalogue.number), planted)
    rates = np.array([*CURRENCY_RATES.values(), 1.0])[orders.currency[order]]
    defects["extreme_quantity"] = planted
    return replace(
        orders,
        line_order=np.concatenate([orders.line_order, order]),
        line_product=np.concatenate([orders.line_product, product]),
        line_quantity=np.concatenate(
            [orders.line_quantity, rng.integers(120, 2000, planted).astype(float)]
        ),
        line_price=np.concatenate(
            [orders.line_price, np.round(catalogue.price[product] * rates, 2)]
        ),
    )
