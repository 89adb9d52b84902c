"""Small datasets in the raw contract, for tests of what reads them."""

from functools import cache
from pathlib import Path

import duckdb

from python_ext.settings import declared_tables

ROOT = Path(__file__).resolve().parents[2]

VALUES = {
    "integer": "1",
    "bigint": "1",
    "double": "2.5",
    "timestamp": "timestamp '2024-03-01 10:00:00'",
    "date": "date '2024-03-01'",
}


@cache
def declared() -> dict[str, dict[str, str]]:
    """The contract of this repository."""
    return declared_tables(ROOT)


def write_table(folder: Path, table: str, query: str, *, raw_format: str = "parquet") -> Path:
    """The rows of a query as one raw file."""
    file = folder / f"{table.replace('.', '/')}.{raw_format}"
    file.parent.mkdir(parents=True, exist_ok=True)
    options = {"parquet": "format parquet", "csv": "format csv, header", "json": "format json"}
    duckdb.execute(f"copy ({query}) to '{file}' ({options[raw_format]})")
    return file


def row_query(table: str, *, rows: int = 3, **changed: str | None) -> str:
    """Rows of a declared table; a column is given an expression, or left out by None."""
    columns = {
        column: VALUES.get(kind, f"'{column}'") for column, kind in declared()[table].items()
    } | changed
    cells = ", ".join(f"{value} as {column}" for column, value in columns.items() if value)
    return f"select {cells} from range({rows}) as numbers(n)"


def write_dataset(folder: Path, *, raw_format: str = "parquet") -> Path:
    """Every declared table with a few good rows."""
    for table in declared():
        write_table(folder, table, row_query(table), raw_format=raw_format)
    return folder
