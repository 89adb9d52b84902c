"""The files of a table that is a folder: whether all of them are written alike."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import duckdb

from python_ext._readable_values import FAMILIES

NAMED = 3
OURS = ("filename", "source_file")
"""Columns under which a build knows the file of a row; one of the data would hide them."""

Columns = Mapping[str, Mapping[str, str]]


def unlike_files(
    connection: duckdb.DuckDBPyConnection,
    reader: str,
    pattern: str,
    declared: Iterable[str],
    *,
    texts: Collection[str],
) -> list[tuple[str, str, str]]:
    """Columns that some files of a folder lack, write in another way, or have too many.

    Numbers and dates may be of several types, of which the widest is read. Text may not: the
    customer 00123 of one file is 123 in the next, and 123.0 in a third.

    Parameters
    ----------
    connection
        One that can read the files.
    reader
        The table function that reads all of them, ``pattern`` in quotes among its arguments.
    pattern
        Path of the files.
    declared
        Columns that every file with rows must have.
    texts
        Those of them that are text.

    Returns
    -------
    list of tuple
        Column, what was found, what to do about it.
    """

    def is_filled(file: str, column: str = "") -> bool:
        filled = f'where "{column}" is not null' if column else ""
        query = f"select 1 from {_reader_of(reader, pattern, file)} {filled} limit 1"
        return connection.execute(query).fetchone() is not None

    files, found = columns_by_file(connection, reader, pattern), []
    for column in OURS:
        if holding := [_name(file) for file, columns in files.items() if column in columns]:
            what = f"a column has the name under which the file of a row is known: {_some(holding)}"
            found.append((column, what, "Leave it out, or give it another name."))
    empty: dict[str, bool] = {}
    for column in declared:
        kinds = {file: columns.get(column.lower()) for file, columns in files.items()}
        lacking = [file for file, kind in kinds.items() if kind is None]
        for file in lacking:
            if file not in empty:
                empty[file] = not is_filled(file)
        if lacking := [_name(file) for file in lacking if not empty[file]]:
            lack = "lacks" if len(lacking) == 1 else "lack"
            what = f"{len(lacking):,} of {len(files):,} files {lack} the column: {_some(lacking)}"
            found.append((column, what, f"Add {column}; leave it empty if nothing is known."))
        elif column in texts and (several := _spellings(kinds, column, is_filled)):
            what = f"the files write it in several types: {_some(several)}"
            found.append((column, what, "Write it as text in all of them."))
    return found


def columns_by_file(
    connection: duckdb.DuckDBPyConnection, reader: str, pattern: str
) -> dict[str, dict[str, str]]:
    """Path of each file to its columns and types, in lower case; rows of Parquet are not read."""
    files: dict[str, dict[str, str]] = {}
    if not reader.startswith("read_parquet"):
        query = f"select file from glob('{_quoted(pattern)}') order by file"
        for (file,) in connection.execute(query).fetchall():
            one = _reader_of(reader, pattern, file)
            described = connection.execute(f"describe select * from {one}").fetchall()
            files[file] = {column.lower(): kind.lower() for column, kind, *_ in described}
        return files
    # Depth first; the first of a file is its root.
    query = (
        "select file_name, lower(name), lower(duckdb_type), num_children "
        f"from parquet_schema('{_quoted(pattern)}') order by file_name, column_id"
    )
    inside = 0
    for file, column, kind, children in connection.execute(query).fetchall():
        if file not in files:
            files[file] = {}
        elif inside:
            inside += (children or 0) - 1
        else:
            files[file][column] = kind or "nested"
            inside = children or 0
    return files


def _spellings(
    kinds: Mapping[str, str | None], column: str, is_filled: Callable[[str, str], bool]
) -> list[str]:
    """Types that write one key in different ways, each with a file; empty where all are alike."""
    ways: dict[str, dict[str, str]] = {}
    for file, kind in kinds.items():
        if kind is not None:
            ways.setdefault(_way(kind), {})[file] = kind
    if len(ways) < 2:
        return []
    # A column of nothing but nulls has any type.
    first = [
        next(
            (f"{kind} in {_name(file)}" for file, kind in way.items() if is_filled(file, column)),
            "",
        )
        for way in ways.values()
    ]
    told = sorted(filter(None, first))
    return told if len(told) > 1 else []


def _way(kind: str) -> str:
    """How values of a type look as text: whole numbers of any width alike, and all but numbers."""
    return next((name for name in ("integer", "number") if FAMILIES[name].match(kind)), "text")


def _reader_of(reader: str, pattern: str, file: str) -> str:
    return reader.replace(_quoted(pattern), _quoted(file))


def _quoted(path: str) -> str:
    return path.replace("'", "''")


def _name(file: str) -> str:
    return file.replace("\\", "/").rsplit("/", 1)[-1]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
