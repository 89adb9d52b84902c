"""Stored models that are not the bytes once written, and how a build does without them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from python_ext.errors import SegmentationError
from python_ext.loads import note_change
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
    has_copy : bool
        Whether another run kept the same model, undamaged.
    """

    table: str
    of: str
    as_of_date: str
    has_copy: bool


def damaged_models(connection: duckdb.DuckDBPyConnection) -> list[DamagedModel]:
    """Every damaged model of a warehouse, in the order of its tables, dates and names."""
    found = []
    for table, (of, digest) in _TABLES.items():
        try:
            rows = connection.execute(
                f'select distinct cast(as_of_date as varchar), "{of}", {digest} in (select '
                f"{digest} from {table} where {_sound(digest)}) from {table} "
                f"where not {_sound(digest)} order by all"
            ).fetchall()
        except duckdb.CatalogException:
            continue
        found += [DamagedModel(table, name, day, copied) for day, name, copied in rows]
    return found


def _sound(digest: str) -> str:
    """A condition in SQL: null where there is no artefact."""
    return f"starts_with(sha256(artefact), {digest})"


def remove_damaged_models(database: Path) -> list[DamagedModel]:
    """Take damaged models out, so that the next build does what it did before them.

    Where another run kept the model undamaged it is taken from there. Else the run goes; that of
    a segment model stays without the model, for the next build tells by it which segments there
    were.

    Parameters
    ----------
    database : Path
        The warehouse.

    Returns
    -------
    list of DamagedModel
        What was damaged: of the value models all of a date go, for they are judged together.

    Raises
    ------
    SegmentationError
        The warehouse is in use or damaged; nothing was changed.
    """
    try:
        with duckdb.connect(str(database)) as connection:
            found = damaged_models(connection)
            connection.begin()
            for table in {model.table: None for model in found}:
                _take_copies(connection, table)
            for model in found:
                if not model.has_copy:
                    _take_out(connection, model)
            if not all(model.has_copy for model in found):
                note_change(connection)
            connection.commit()
    except duckdb.Error as error:
        raise SegmentationError(explained(database, error)) from error
    return found


def _take_copies(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Give damaged models the bytes that another run kept of them."""
    _, digest = _TABLES[table]
    connection.execute(
        f"update {table} set artefact = kept.copy from (select {digest} as hash, "
        f"any_value(artefact) as copy from {table} where {_sound(digest)} group by all) as kept "
        f"where kept.hash = {digest} and not {_sound(digest)}"
    )


def _take_out(connection: duckdb.DuckDBPyConnection, model: DamagedModel) -> None:
    """Remove a damaged model with its run, of a segment model only the model."""
    of, digest = _TABLES[model.table]
    run, values = f'as_of_date = $1 and "{of}" = $2', [model.as_of_date, model.of]
    if model.table == "ml.ml_segment_models":
        change = f"update {model.table} set artefact = null where not {_sound(digest)} and {run}"
    elif model.table == "ml.ml_value_models":
        change, values = f"delete from {model.table} where as_of_date = $1", values[:1]
    else:
        change = f"delete from {model.table} where {run}"
    connection.execute(change, values)
