"""Products of the fictitious retailer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from ._settings import CATEGORIES, CATEGORY_PRICE, SUBCATEGORIES
from ._toolbox import ids, pick, write_table

PER_CATEGORY = 38


@dataclass(frozen=True)
class Catalogue:
    """Products sorted by category, then by price; product i is of category i // PER_CATEGORY."""

    price: np.ndarray  # list price in euro on the first day
    unit_cost: np.ndarray
    number: np.ndarray  # of product_id
    subcategory: np.ndarray  # code within the category

    @property
    def product_ids(self) -> pa.Array:
        """product_id of every product."""
        return ids("P", self.number, 4)

    def choose(
        self, category: np.ndarray, position: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Draw a product per row, around a price position (0 cheapest, 1 dearest)."""
        rank = rng.beta(position * 4 + 0.5, (1 - position) * 4 + 0.5)
        return category * PER_CATEGORY + np.minimum(
            (rank * PER_CATEGORY).astype(np.int64), PER_CATEGORY - 1
        )

    def write(self, folder: Path) -> int:
        """Write shop/products; return its rows."""
        order = np.argsort(self.number)
        category = order // PER_CATEGORY
        names = [name for group in CATEGORIES for name in SUBCATEGORIES[group]]
        starts = np.cumsum([0] + [len(SUBCATEGORIES[group]) for group in CATEGORIES])[:-1]
        columns = {
            "product_id": self.product_ids.take(pa.array(order)),
            "category": pick(CATEGORIES, category),
            "subcategory": pick(names, starts[category] + self.subcategory[order]),
            "unit_cost": pa.array(self.unit_cost[order]),
        }
        return write_table(folder / "shop", "products", columns)


def make_catalogue(rng: np.random.Generator) -> Catalogue:
    """Draw prices (lognormal) and costs (45 to 65 % of the price) of every product."""
    count = len(CATEGORIES) * PER_CATEGORY
    prices = []
    for group in CATEGORIES:
        median, spread = CATEGORY_PRICE[group]
        drawn = np.floor(rng.lognormal(np.log(median), spread, PER_CATEGORY)) + 0.9
        prices.append(np.sort(np.maximum(drawn, 1.9)))
    price = np.concatenate(prices)
    subcategories = np.array([len(SUBCATEGORIES[group]) for group in CATEGORIES])
    return Catalogue(
        price=price,
        unit_cost=np.round(price * rng.uniform(0.45, 0.65, count), 2),
        number=rng.permutation(count) + 1,
        subcategory=rng.integers(0, np.repeat(subcategories, PER_CATEGORY)),
    )
