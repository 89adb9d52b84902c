"""external/area_statistics: invented figures for departments and neighbouring regions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from ._names import DEPARTMENTS, FOREIGN_PLACES
from ._toolbox import write_table


def write_area_statistics(folder: Path, rng: np.random.Generator) -> int:
    """Write one row per country and postcode prefix; return the number of rows.

    The figures are drawn at random around the inhabitants of the place: they resemble real
    statistics in kind only.
    """
    inhabitants = {("FR", code): people for code, _, people, _ in DEPARTMENTS}
    for country, _, postcode in FOREIGN_PLACES:
        inhabitants[country, postcode[:2]] = 90.0
    keys = sorted(inhabitants)
    people = np.array([inhabitants[key] for key in keys])
    size = len(keys)
    density = people * 10_000 / 6_000 * rng.lognormal(0, 0.3, size)
    is_capital = np.array(
        [country == "FR" and code in ("75", "92", "93", "94") for country, code in keys]
    )
    density = np.where(is_capital, density * 60, density)
    columns = {
        "country": pa.array([country for country, _ in keys]),
        "postcode_prefix": pa.array([code for _, code in keys]),
        "median_income": pa.array(
            np.round(20_500 + 900 * np.log(density / 50) + rng.normal(0, 1_200, size), -1)
        ),
        "unemployment_rate": pa.array(
            np.round(np.clip(rng.normal(0.075, 0.018, size), 0.03, 0.16), 4)
        ),
        "population_density": pa.array(np.round(density, 1)),
        "distance_to_centre_km": pa.array(
            np.round(np.clip(60 / np.sqrt(density / 50), 1, 90) * rng.uniform(0.7, 1.3, size), 1)
        ),
    }
    return write_table(folder / "external", "area_statistics", columns)
