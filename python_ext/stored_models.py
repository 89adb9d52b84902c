"""Stored models that are not the bytes once written, and how a build does without them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import duckdb

from python_ext.errors import SegmentationError
from python_ext.warehouse import explained

# The columns that, with the date, make one run; the hash of the artefact in each row.
_TABLES = {
    "ml.ml_propensity_models": ("target", "artefact_sha256"),
    "ml.ml_segment_models": ("view", "model_id"),
    "ml.ml_value_models": ("model", "artefact_sha256"),
}


@dataclass(frozen=True)
class DamagedModel:
    """A stored model whose hash is another one than it had.

    Attributes
    ----------
    table : str
        Where it is stored.
    of : str
        Its target, view or kind.
    as_of_date : str
        Date of the run that stored it.
    """

    table: str
    of: str
    as_of_date: str


def damaged_models(connection: duckdb.DuckDBPyConnection) -> list[DamagedModel]:
    """Every damaged model of a warehouse, in the order of its tables, dates and names."""
    found = []
    for table, (of, digest) in _TABLES.items():
        try:
            rows = connection.execute(
                f'select cast(as_of_date as varchar), "{of}", {digest}, artefact from {table} '
                "where artefact is not null order by all"
            ).fetchall()
        except duckdb.CatalogException:
            continue
        for as_of_date, name, stored, artefact in rows:
            if not hashlib.sha256(artefact).hexdigest().startswith(stored):
                found.append(DamagedModel(table, name, as_of_date))
    return list(dict.fromkeys(found))


def remove_damaged_models(database: Path) -> list[DamagedModel]:
    """Remove the runs of damaged models, so that the next build does what it did before them.

    Parameters
    ----------
    database : Path
        The warehouse.

    Returns
    -------
    list of DamagedModel
        Whose runs were removed: of the value models all of that date, for they are judged together.

    Raises
    ------
    SegmentationError
        The warehouse is in use or damaged; nothing was changed.
    """
    try:
        with duckdb.connect(str(database)) as connection:
            found = damaged_models(connection)
            connection.begin()
            for model in found:
                of, _ = _TABLES[model.table]
                alone = model.table != "ml.ml_value_models"
                connection.execute(
                    f"delete from {model.table} where as_of_date = $1"
                    + (f' and "{of}" = $2' if alone else ""),
                    [model.as_of_date, *([model.of] if alone else [])],
                )
            connection.commit()
    except duckdb.Error as error:
        raise SegmentationError(explained(database, error)) from error
    return found
