"""The files of a table that is a folder: whether all of them are written alike."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import duckdb

from python_ext._readable_values import FAMILIES

NAMED = 3


def columns_by_file(
    connection: duckdb.DuckDBPyConnection, reader: str, pattern: str
) -> dict[str, dict[str, str]]:
    """Columns and types of each file, without a look at its rows where the format allows it.

    Parameters
    ----------
    connection
        One that can read the files.
    reader
        The table function that reads all of them, ``pattern`` in quotes among its arguments.
    pattern
        Path of the files.

    Returns
    -------
    dict
        Name of the file to column (lower case) to type (lower case), in the order of the names. A
        column that holds nothing but nulls has the type ``null``.
    """
    quoted = pattern.replace("'", "''")
    if reader.startswith("read_parquet"):
        rows = connection.execute(
            "select file_name, lower(name), case when logical_type ilike '%null%' "
            "or logical_type ilike '%unknown%' then 'null' else lower(duckdb_type) end "
            f"from parquet_schema('{quoted}') where column_id > 0 and duckdb_type is not null"
        ).fetchall()
    else:
        rows = []
        for (name,) in connection.execute(f"select file from glob('{quoted}')").fetchall():
            one = reader.replace(quoted, name.replace("'", "''"))
            described = connection.execute(f"describe select * from {one}").fetchall()
            rows += [(name, column.lower(), kind.lower()) for column, kind, *_ in described]
    files: dict[str, dict[str, str]] = {}
    for name, column, kind in sorted(rows):
        files.setdefault(name.replace("\\", "/").rsplit("/", 1)[-1], {})[column] = kind
    return files


def unlike_files(
    files: Mapping[str, Mapping[str, str]], declared: Iterable[str], *, texts: Collection[str]
) -> list[tuple[str, str, str]]:
    """Columns that some files lack, or write in another way than the others.

    Numbers and dates may be of several types, of which the widest is read. Text may not: the
    customer 00123 of one file is 123 in the next, and 123.0 in a third.

    Parameters
    ----------
    files
        Result of ``columns_by_file``.
    declared
        Columns that every file must have.
    texts
        Those of them that are text.

    Returns
    -------
    list of tuple
        Column, what was found, what to do about it.
    """
    found = []
    for column in declared:
        kinds = {name: columns.get(column.lower()) for name, columns in files.items()}
        if lacking := [name for name, kind in kinds.items() if kind is None]:
            lack = "lacks" if len(lacking) == 1 else "lack"
            what = f"{len(lacking):,} of {len(files):,} files {lack} the column: {_some(lacking)}"
            found.append((column, what, f"Add {column}; leave it empty if nothing is known."))
        elif column in texts:
            first = {_spelling(kind): f"{kind} in {name}" for name, kind in reversed(kinds.items())}
            first.pop("null", None)
            if len(first) > 1:
                what = f"the files write it in several types: {_some(sorted(first.values()))}"
                found.append((column, what, "Write it as text in all of them."))
    return found


def _spelling(kind: str) -> str:
    """How values of a type look as text: whole numbers of any width alike."""
    return "integer" if FAMILIES["integer"].match(kind) else kind


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
