"""Looks for people in every file and table, and tells where they are, never what was found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from python_ext.errors import SegmentationError
from python_ext.privacy._files import (
    TABLE_SUFFIXES,
    can_hold_text,
    cell_text,
    columns_of,
    name,
    table_sql,
    tables_of,
    text,
)
from python_ext.privacy._people import People, bring_values, cell_conditions
from python_ext.privacy._places import Places
from python_ext.privacy._vault import open_vault

_CHUNK = 16 * 2**20
_LETTER = re.compile(rb"[a-z0-9]")
_ADDRESS_PART = re.compile(rb"[a-z0-9._%+-]")


@dataclass(frozen=True, order=True)
class Hit:
    """Somebody was found: in a column of a table (``value``) or in a file's bytes (``bytes``)."""

    file: str
    table: str
    column: str
    how: str
    count: int


@dataclass(frozen=True)
class Found:
    """What a search looked through and where it found something.

    Attributes
    ----------
    files, tables, columns, bytes
        How much was looked through.
    hits
        Where something was found.
    closed
        Files that could not be looked into, with the reason.
    """

    files: int
    tables: int
    columns: int
    bytes: int
    hits: tuple[Hit, ...]
    closed: tuple[str, ...] = ()


@dataclass
class _Tally:
    files: int = 0
    tables: int = 0
    columns: int = 0
    bytes: int = 0
    hits: list[Hit] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)


def files_of(places: Places) -> Iterator[Path]:
    """Every file in which a person may be, each once."""
    beside = places.database.parent
    single = [
        *beside.glob(f"{places.database.name}*"),
        *beside.glob("slim.duckdb*"),
        *beside.glob(f".{places.database.stem}.forget-next*"),
    ]
    folders = [places.raw_folder, places.published, *places.caches, places.directory]
    seen: set[Path] = set()
    for place in [*single, *(folder for folder in folders if folder is not None)]:
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.is_file() and file.resolve() not in seen:
                seen.add(file.resolve())
                yield file


def search(places: Places, people: People, *, vault_key: str | None = None) -> Found:
    """Look for people in every column of every table and in the bytes of every file.

    Parameters
    ----------
    people
        Whom to look for.
    vault_key
        Key of the vault; without it the vault is reported as closed.

    Raises
    ------
    SegmentationError
        There is nothing to look for.
    """
    if not people:
        raise SegmentationError("Nothing was given to search for.", exit_code=2)
    tally = _Tally()
    with duckdb.connect() as connection:
        bring_values(connection, people)
        for file in files_of(places):
            shown = _shown(places, file)
            tally.files += 1
            relations: list[tuple[str, str]] = []
            if file.suffix == ".duckdb":
                relations = _attach(connection, places, file, shown, vault_key, tally)
            elif file.suffix in TABLE_SUFFIXES:
                relations = [("", table_sql(file))]
            for table, relation in relations:
                _search_table(connection, people, shown, table, relation, tally)
            if count := _search_bytes(connection, file, people, relations, tally):
                tally.hits.append(Hit(shown, "", "", "bytes", count))
            if file.suffix == ".duckdb":
                connection.execute("detach database if exists searched")
    return Found(
        files=tally.files,
        tables=tally.tables,
        columns=tally.columns,
        bytes=tally.bytes,
        hits=tuple(sorted(tally.hits)),
        closed=tuple(tally.closed),
    )


def search_uncompressed(database: Path, people: People) -> int:
    """Occurrences in the bytes of a copy of a database in which nothing is compressed.

    A DuckDB file compresses its texts, so that its own bytes may hide what it holds. The copy
    holds readable identity while it is searched and is removed at once.
    """
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        copy = Path(folder) / database.name
        connection.execute("set force_compression = 'uncompressed'")
        connection.execute(f"attach {text(database)} as source (read_only)")
        connection.execute(f"attach {text(copy)} as {name(database.stem)}")
        connection.execute(f"copy from database source to {name(database.stem)}")
        connection.execute(f"detach {name(database.stem)}")
        return count_in_bytes(copy, _byte_values(people), whole_words=False)


def count_in_bytes(file: Path, values: list[bytes], *, whole_words: bool) -> int:
    """How often any of the values stands in a file, in upper or lower case.

    Parameters
    ----------
    whole_words
        Whether a value inside a longer address or number is another value. In a database file
        values follow each other without a gap, so there it cannot be asked for.
    """
    longest = max((len(value) for value in values), default=0)
    total, carried, start = 0, b"", 0
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            block = carried + chunk.lower()
            # What begins so near the end that it may go on is looked at with the next chunk.
            limit = len(block) if len(chunk) < _CHUNK else len(block) - longest - 2
            for value in values:
                at = block.find(value, start)
                while 0 <= at < limit:
                    total += not whole_words or _stands_alone(block, at, at + len(value))
                    at = block.find(value, at + 1)
            # One byte before it is kept, for what stands before the first value.
            carried, start = block[limit - 1 :], 1
    return total


def _stands_alone(block: bytes, start: int, end: int) -> bool:
    before, after = block[max(start - 1, 0) : start], block[end : end + 2]
    if before and _ADDRESS_PART.match(before):
        return False
    if after[:1] in (b".", b"-"):
        return not _LETTER.match(after[1:2])
    return not (after and _LETTER.match(after))


def _byte_values(people: People) -> list[bytes]:
    return [value.encode() for value in people.distinctive() if len(value) >= 6]


def _shown(places: Places, file: Path) -> str:
    try:
        return str(file.relative_to(places.project_dir))
    except ValueError:
        return str(file)


def _attach(
    connection: duckdb.DuckDBPyConnection,
    places: Places,
    file: Path,
    shown: str,
    vault_key: str | None,
    tally: _Tally,
) -> list[tuple[str, str]]:
    """The tables of a database file, attached as ``searched``."""
    try:
        if file == places.vault:
            if vault_key is None:
                tally.closed.append(f"{shown}: encrypted, and no key was given")
                return []
            open_vault(connection, file, vault_key, alias="searched")
        else:
            connection.execute(f"attach {text(file)} as searched (read_only)")
    except duckdb.Error:
        tally.closed.append(f"{shown}: in use, or no database")
        return []
    return [
        (f"{schema}.{table}", f"searched.{name(schema)}.{name(table)}")
        for schema, table in tables_of(connection, "searched")
    ]


def _search_table(
    connection: duckdb.DuckDBPyConnection,
    people: People,
    shown: str,
    table: str,
    relation: str,
    tally: _Tally,
) -> None:
    try:
        columns = columns_of(connection, relation)
    except duckdb.Error:
        # A JSON file that is no table is text: its bytes are searched.
        return
    tally.tables += 1
    tally.columns += len(columns)
    conditions = cell_conditions(columns, people)
    if not conditions:
        return
    try:
        counts = connection.execute(
            "select "
            + ", ".join(f"count(*) filter (where {condition})" for condition in conditions.values())
            + f" from {relation}"
        ).fetchone()
    except duckdb.Error:
        # Its message quotes the line, which is a person's.
        tally.closed.append(f"{shown}: not readable to its end; only its bytes were searched")
        return
    tally.hits += [
        Hit(shown, table, column, "value", count)
        for column, count in zip(conditions, counts, strict=True)
        if count
    ]


def _search_bytes(
    connection: duckdb.DuckDBPyConnection,
    file: Path,
    people: People,
    relations: list[tuple[str, str]],
    tally: _Tally,
) -> int:
    """Occurrences in the bytes of a file that are not another's longer value."""
    values = _byte_values(people)
    tally.bytes += file.stat().st_size
    packed = file.suffix in (".duckdb", ".parquet", ".wal")
    total = count_in_bytes(file, values, whole_words=not packed)
    if not (total and packed):
        return total
    counts = {value: count_in_bytes(file, [value], whole_words=False) for value in values}
    there = [value.decode() for value, count in counts.items() if count]
    longer = _parts_of_others(connection, relations, there)
    return sum(count for value, count in counts.items() if value.decode() not in longer)


def _parts_of_others(
    connection: duckdb.DuckDBPyConnection, relations: list[tuple[str, str]], values: list[str]
) -> set[str]:
    """Values around which a table holds a longer one: y.martin@… in guy.martin@…."""
    found: set[str] = set()
    for _, relation in relations:
        asked = [value for value in values if value not in found]
        if not asked:
            break
        try:
            columns = columns_of(connection, relation)
        except duckdb.Error:
            continue
        cells = [cell_text(c, kind) for c, kind in columns if can_hold_text(kind)]
        if not cells:
            continue
        # One text per row and not per cell: a line break between cells is part of no value.
        around = ", ".join(
            f"bool_or(contains(said, ${at}) and regexp_matches(said, '[a-z0-9._%+-]' || "
            f"regexp_escape(${at}) || '|' || regexp_escape(${at}) || '[a-z0-9]'))"
            for at in range(1, len(asked) + 1)
        )
        answers = connection.execute(
            f"select {around} from "
            f"(select lower(concat_ws(chr(10), {', '.join(cells)})) as said from {relation})",
            asked,
        ).fetchone()
        found |= {value for value, is_part in zip(asked, answers, strict=True) if is_part}
    return found
