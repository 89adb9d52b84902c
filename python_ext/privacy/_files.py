"""Raw files and DuckDB files, read by column and rewritten whole beside the old one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import duckdb

from python_ext.errors import SegmentationError

NEXT = ".forget-next"
TABLE_SUFFIXES = (".parquet", ".csv", ".json")

Columns = list[tuple[str, str]]
"""Names and types."""


def name(identifier: str) -> str:
    """An identifier, quoted for SQL."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: object) -> str:
    """A text, quoted for SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def next_name(file: Path) -> Path:
    """Where the new state of a file is written before it takes its place."""
    return file.with_name(f".{file.stem}{NEXT}{file.suffix}")


def table_sql(*files: Path) -> str:
    """SQL that reads the raw files of one table without changing what its cells say."""
    paths, suffix = f"[{', '.join(map(text, files))}]", files[0].suffix
    if suffix == ".parquet":
        return f"read_parquet({paths}, union_by_name = true)"
    if suffix == ".csv":
        return f"read_csv({paths}, header = true, all_varchar = true)"
    if suffix == ".json":
        # One level deep every cell stays the JSON it was: 2.50 or "2024-01-01".
        return f"read_json({paths}, maximum_depth = 1, union_by_name = true)"
    raise ValueError(f"{files[0]} is no table")


def columns_of(connection: duckdb.DuckDBPyConnection, relation: str) -> Columns:
    """Names and types of the columns of anything that can stand after ``from``."""
    return [(row[0], row[1]) for row in connection.execute(f"describe from {relation}").fetchall()]


def cell_text(column: str, kind: str) -> str:
    """SQL for a cell as text."""
    if kind == "JSON":
        return f"json_extract_string({name(column)}, '$')"
    return f"cast({name(column)} as varchar)"


def can_hold_text(kind: str) -> bool:
    """Whether a column of this type can hold a name, an address or a number of a person."""
    return not kind.startswith(
        ("TIMESTAMP", "DATE", "TIME", "BOOLEAN", "DOUBLE", "FLOAT", "INTERVAL", "DECIMAL")
    )


def _copy_options(connection: duckdb.DuckDBPyConnection, file: Path) -> str:
    """How to write a file so that it stays what it was."""
    if file.suffix == ".parquet":
        row = connection.execute(
            f"select lower(any_value(compression)) from parquet_metadata({text(file)})"
        ).fetchone()
        codec = row[0] if row and row[0] else "snappy"
        return f"format parquet, compression {codec}"
    if file.suffix == ".csv":
        delimiter, quote = connection.execute(
            f"select Delimiter, Quote from sniff_csv({text(file)}, all_varchar = true)"
        ).fetchone()
        quoting = f", quote {text(quote)}" if len(quote) == 1 and quote != "\0" else ""
        return f"format csv, header, delimiter {text(delimiter)}{quoting}"
    with file.open("rb") as stream:
        is_array = stream.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"["
    return f"format json, array {str(is_array).lower()}"


def write_table_beside(
    connection: duckdb.DuckDBPyConnection, file: Path, query: str, *, rows: int
) -> Path:
    """Write the rows of a query as the next state of a raw file, in the file's own format.

    Parameters
    ----------
    query
        A selection over ``table_sql(file)`` with the same columns.
    rows
        How many rows it must have.

    Raises
    ------
    SegmentationError
        What was written is not what was asked for.
    """
    following = next_name(file)
    connection.execute(f"copy ({query}) to {text(following)} ({_copy_options(connection, file)})")
    found = 0
    if rows or file.suffix == ".parquet":
        found = connection.execute(f"select count(*) from {table_sql(following)}").fetchone()[0]
        old, new = (columns_of(connection, table_sql(each)) for each in (file, following))
        same = (
            old == new if file.suffix == ".parquet" else [c[0] for c in old] == [c[0] for c in new]
        )
        if not same:
            raise SegmentationError(f"{file} could not be rewritten with the same columns.")
    if found != rows:
        raise SegmentationError(
            f"{file} could not be rewritten: {found} rows where {rows} were expected. "
            "The old file is unchanged."
        )
    _to_disk(following)
    return following


def rewrite_database(
    file: Path,
    selection: Callable[[duckdb.DuckDBPyConnection, str, str, str], tuple[str, int] | None],
    *,
    prepare: Callable[[duckdb.DuckDBPyConnection], None] = lambda connection: None,
    options: str = "",
    parameters: tuple[str, ...] = (),
) -> Path:
    """Write the next state of a DuckDB file: its schema as it is, and chosen rows.

    A row that is deleted in place stays in the file until its block is used again, and so does
    every earlier version of a table. The new file has never held them.

    Parameters
    ----------
    file
        The file; opened read-only.
    selection
        Called with the connection, schema, table and the SQL name of the old table; gives the
        query whose rows are kept and how many they are, or None for all of them.
    prepare
        Called with the connection before anything is read.
    options, parameters
        Further options of ``attach`` for both files, for instance an encryption key.

    Raises
    ------
    SegmentationError
        The file is in use, or the new one does not hold what it should.
    """
    following = next_name(file)
    for leftover in (following, Path(f"{following}.wal")):
        leftover.unlink(missing_ok=True)
    # Views name their database by its file, so the new side carries that name.
    old, new = "before_forgetting", file.stem
    more = f", {options}" if options else ""
    with duckdb.connect() as connection:
        connection.execute("set preserve_insertion_order = true")
        prepare(connection)
        try:
            connection.execute(f"attach {text(file)} as {old} (read_only{more})", list(parameters))
        except duckdb.Error as error:
            raise SegmentationError(
                f"{file} cannot be opened; close whatever uses it and try again: {error}"
            ) from None
        connection.execute(
            f"attach {text(following)} as {name(new)}" + (f" ({options})" if options else ""),
            list(parameters),
        )
        connection.execute(f"copy from database {old} to {name(new)} (schema)")
        for schema, table in tables_of(connection, old):
            source = f"{old}.{name(schema)}.{name(table)}"
            target = f"{name(new)}.{name(schema)}.{name(table)}"
            chosen = selection(connection, schema, table, source)
            rows = f"from {source}"
            if table == "last_build" and "made_of" in dict(columns_of(connection, source)):
                # What the tables were made of is no longer what they hold.
                rows = f"select * replace (cast(null as varchar) as made_of) from {source}"
            query, expected = chosen or (rows, _rows(connection, source))
            connection.execute(f"insert into {target} {query}")
            found = _rows(connection, target)
            if expected != found:
                raise SegmentationError(
                    f"{file} could not be rewritten: {schema}.{table} has {found} rows where "
                    f"{expected} were expected. The old file is unchanged."
                )
        if (lost := _schema(connection, old)) != _schema(connection, new):
            raise SegmentationError(
                f"{file} could not be rewritten with all its {len(lost)} columns and comments. "
                "The old file is unchanged."
            )
        connection.execute(f"detach {name(new)}")
    _to_disk(following)
    return following


def _rows(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    return connection.execute(f"select count(*) from {relation}").fetchone()[0]


def tables_of(connection: duckdb.DuckDBPyConnection, database: str) -> list[tuple[str, str]]:
    """Schemas and names of the base tables of an attached database."""
    return connection.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = ? "
        "and not internal order by all",
        [database],
    ).fetchall()


def _schema(connection: duckdb.DuckDBPyConnection, database: str) -> list[tuple]:
    """Everything that describes an attached database but its rows."""
    return connection.execute(
        """
        select schema_name, table_name, column_name, column_index, data_type, is_nullable, comment
        from duckdb_columns() where database_name = $1
        union all
        select schema_name, table_name, null, null, null, null, comment
        from duckdb_tables() where database_name = $1
        union all
        select schema_name, view_name, null, null, null, null, comment
        from duckdb_views() where database_name = $1 and not internal
        order by all
        """,
        [database],
    ).fetchall()


def _to_disk(file: Path) -> None:
    with file.open("rb") as stream:
        os.fsync(stream.fileno())


def clear_leftovers(folders: list[Path]) -> None:
    """Remove what an attempt that was killed wrote and did not put in place."""
    for folder in folders:
        if folder.is_dir():
            for file in folder.rglob(f".*{NEXT}*"):
                file.unlink(missing_ok=True)
