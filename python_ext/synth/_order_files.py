"""shop/orders and shop/order_lines: the orders as text, with strange returns planted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ._catalogue import Catalogue
from ._orders import CANCELLED, CURRENCIES, PURCHASE, RETURN, Orders
from ._people import People
from ._records import Records
from ._settings import CURRENCY_RATES
from ._toolbox import (
    coded,
    handful,
    ids,
    rank_within,
    timestamps,
    write_table,
)

_STATUS = ("completed", "cancelled", "returned", "completed", "completed")
_FRENCH_CANCELLED = len(_STATUS)


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
                "currency": coded(CURRENCIES, orders.currency[order]),
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
