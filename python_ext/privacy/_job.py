"""What one erasure changes in which file, written beside the old state and put in its place."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from python_ext.errors import SegmentationError
from python_ext.privacy._files import (
    TABLE_SUFFIXES,
    Columns,
    columns_of,
    name,
    next_name,
    rewrite_database,
    table_sql,
    tables_of,
    text,
    write_table_beside,
)
from python_ext.privacy._people import People, bring_values, cell_conditions
from python_ext.privacy._places import Places
from python_ext.privacy._search import count_in_bytes
from python_ext.privacy._vault import ENCRYPTION, open_vault, prepare_encryption
from python_ext.settings import table_of_file

# Revenue and accounting need the sale, not the buyer.
_ANONYMISED = re.compile(r"(^|_)(orders|order_lines)(_netted)?$")
_REQUESTS = re.compile(r"(^|_)erasure_requests$")


@dataclass(frozen=True)
class Removal:
    """What is removed from one file or table.

    Attributes
    ----------
    file, table
        Where; the table is empty for a raw file.
    rows_removed
        Rows that go.
    cells_emptied
        Cells that are emptied in rows that stay.
    file_removed
        Whether the file goes as a whole (a cache, which the next build makes again).
    """

    file: str
    table: str
    rows_removed: int = 0
    cells_emptied: int = 0
    file_removed: bool = False


@dataclass(frozen=True)
class _Cut:
    """How one table is changed: a selection of what stays, and counts of what goes."""

    selection: str
    removed: str
    rows_removed: int
    cells_emptied: int
    rows_left: int

    def __bool__(self) -> bool:
        return bool(self.rows_removed or self.cells_emptied)

    def query(self, relation: str) -> str:
        """The rows that stay, as they stay, from a relation with the same columns."""
        return f"{self.selection}{relation} where not {self.removed}"


class Job:
    """One run: what is to change, the new files, and the renaming."""

    def __init__(
        self, places: Places, people: People, receipt_id: str, vault_key: str | None
    ) -> None:
        self.places = places
        self.people = people
        self.receipt_id = receipt_id
        self.vault_key = vault_key
        self.removals: list[Removal] = []
        self.tables: list[Path] = []
        self.databases: list[Path] = []
        self.caches: list[Path] = []
        self.written: list[Path] = []
        self.cuts: dict[tuple[Path, str], _Cut] = {}

    def plan(self) -> list[Removal]:
        """Count what goes from each place; changes nothing."""
        with duckdb.connect() as connection:
            bring_values(connection, self.people)
            for file in self._table_files():
                try:
                    cut = self._cut(connection, self._table_of(file), table_sql(file))
                except duckdb.Error:
                    # Its message quotes the line, which is a person's.
                    raise SegmentationError(
                        f"{self._shown(file)} cannot be read to its end: it is damaged, or not in "
                        "UTF-8. Write it again; nothing was changed."
                    ) from None
                if cut:
                    self.tables.append(file)
                    self._note(file, "", cut)
            for file in self._database_files():
                # A file that is ours to build is always written anew: blocks that are free in it
                # may still hold rows of earlier builds.
                hits = self._plan_database(connection, file)
                if hits or file == self.places.database:
                    self.databases.append(file)
            for file in self._cache_files():
                self.caches.append(file)
                self.removals.append(Removal(self._shown(file), "", file_removed=True))
        return self.removals

    def write(self) -> None:
        """Write every new state beside the old one."""
        with duckdb.connect() as connection:
            connection.execute("set preserve_insertion_order = true")
            bring_values(connection, self.people)
            for file in self.tables:
                self.written.append(file)
                cut = self.cuts[file, ""]
                write_table_beside(connection, file, cut.query(table_sql(file)), rows=cut.rows_left)
        for file in self.databases:
            self.written.append(file)
            is_vault = file == self.places.vault
            rewrite_database(
                file,
                partial(self._selection, file),
                prepare=self._prepare_vault if is_vault else self._prepare,
                options=ENCRYPTION if is_vault else "",
                parameters=(self.vault_key,) if is_vault and self.vault_key else (),
            )
            next_name(file).chmod(file.stat().st_mode & 0o777)

    def undo(self) -> None:
        """Remove what was written and not put in place."""
        for file in self.written:
            next_name(file).unlink(missing_ok=True)

    def swap(self) -> None:
        """Put the new files in the place of the old ones and drop caches: all but the warehouse."""
        for file in self.written:
            if file != self.places.database:
                self._replace(file)
        for file in self.caches:
            file.unlink(missing_ok=True)
        self._recount_published()

    def swap_warehouse(self) -> None:
        """The last step: from here on nothing knows any more who the people were."""
        self._replace(self.places.database)

    def _replace(self, file: Path) -> None:
        next_name(file).replace(file)
        Path(f"{file}.wal").unlink(missing_ok=True)

    def _table_files(self) -> list[Path]:
        folders = [self.places.raw_folder, self.places.published, self.places.directory]
        return [
            file
            for folder in folders
            if folder is not None and folder.is_dir()
            for file in sorted(folder.rglob("*"))
            if file.suffix in TABLE_SUFFIXES
            and file.is_file()
            and file != self.places.suppression
            and self.places.receipts not in file.parents
        ]

    def _table_of(self, file: Path) -> str:
        """Name of the table that a file holds, as a whole or as one arrival of it."""
        raw = self.places.raw_folder
        is_raw = raw is not None and raw in file.parents
        return table_of_file(raw, file).split(".")[-1] if is_raw else file.stem

    def _database_files(self) -> list[Path]:
        """The warehouse comes last, see ``forget``."""
        places = self.places
        slim = places.database.with_name("slim.duckdb")
        published = sorted(places.published.glob("*.duckdb")) if places.published.is_dir() else []
        files = [*published, places.vault, slim, places.database]
        return [file for file in dict.fromkeys(files) if file.is_file()]

    def _cache_files(self) -> list[Path]:
        values = [value.encode() for value in self.people.distinctive() if len(value) >= 6]
        return [
            file
            for cache in self.places.caches
            if cache.is_dir()
            for file in sorted(cache.rglob("*"))
            if file.is_file()
            and count_in_bytes(
                file, values, whole_words=file.suffix not in (".duckdb", ".parquet", ".wal")
            )
        ]

    def _plan_database(self, connection: duckdb.DuckDBPyConnection, file: Path) -> int:
        alias = "planned"
        try:
            if file == self.places.vault:
                open_vault(connection, file, self.vault_key or "", alias=alias)
            else:
                connection.execute(f"attach {text(file)} as {alias} (read_only)")
        except duckdb.Error as error:
            raise SegmentationError(
                f"{file} cannot be opened; close whatever uses it and try again: {error}"
            ) from None
        hits = 0
        for schema, table in tables_of(connection, alias):
            cut = self._cut(connection, table, f"{alias}.{name(schema)}.{name(table)}")
            if cut:
                hits += 1
                self._note(file, f"{schema}.{table}", cut)
        connection.execute(f"detach {alias}")
        return hits

    def _selection(
        self,
        file: Path,
        connection: duckdb.DuckDBPyConnection,
        schema: str,
        table: str,
        source: str,
    ) -> tuple[str, int] | None:
        cut = self.cuts.get((file, f"{schema}.{table}"))
        return (cut.query(source), cut.rows_left) if cut else None

    def _prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        bring_values(connection, self.people)

    def _prepare_vault(self, connection: duckdb.DuckDBPyConnection) -> None:
        prepare_encryption(connection)
        bring_values(connection, self.people)

    def _cut(self, connection: duckdb.DuckDBPyConnection, table: str, relation: str) -> _Cut | None:
        """What changes in a table, or None when no column of it can name a person."""
        try:
            columns = columns_of(connection, relation)
        except duckdb.Error:
            # A JSON file that is no table; a search of its bytes tells whether it holds anyone.
            return None
        conditions = cell_conditions(columns, self.people)
        if not conditions:
            return None
        removed, emptied = _rules(table, columns, conditions)
        counts = connection.execute(
            f"select count(*), count(*) filter (where {removed}), "
            + (
                " + ".join(
                    f"count(*) filter (where {condition} and not {removed})"
                    for condition in emptied.values()
                )
                or "0"
            )
            + f" from {relation}"
        ).fetchone()
        kinds = dict(columns)
        replaced = ", ".join(
            f"case when {condition} then {self._instead(table, column, kinds[column])} "
            f"else {name(column)} end as {name(column)}"
            for column, condition in emptied.items()
        )
        replacing = f"replace ({replaced})" if replaced else ""
        return _Cut(
            f"select * {replacing} from ", removed, counts[1], counts[2], counts[0] - counts[1]
        )

    def _instead(self, table: str, column: str, kind: str) -> str:
        """What an emptied cell holds: nothing, or the receipt in a request that was carried out."""
        if _REQUESTS.search(table) and column == "customer_id" and kind in ("VARCHAR", "JSON"):
            answer = f"receipt:{self.receipt_id}"
            return f"cast({text(json.dumps(answer))} as json)" if kind == "JSON" else text(answer)
        return "null"

    def _note(self, file: Path, table: str, cut: _Cut) -> None:
        self.cuts[file, table] = cut
        self.removals.append(Removal(self._shown(file), table, cut.rows_removed, cut.cells_emptied))

    def _shown(self, file: Path) -> str:
        try:
            return str(file.relative_to(self.places.project_dir))
        except ValueError:
            return str(file)

    def _recount_published(self) -> None:
        """The row counts in ``about.json``, of the marts as they are now."""
        about = self.places.published / "parquet" / "about.json"
        if not about.is_file():
            return
        content = json.loads(about.read_text(encoding="utf-8"))
        for mart in content.get("marts") or {}:
            file = about.with_name(f"{mart}.parquet")
            if file.is_file():
                content["marts"][mart] = duckdb.execute(
                    f"select count(*) from {table_sql(file)}"
                ).fetchone()[0]
        following = next_name(about)
        following.write_text(
            json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        following.replace(about)


def _rules(table: str, columns: Columns, conditions: dict[str, str]) -> tuple[str, dict[str, str]]:
    """SQL for the rows that go, and for the cells that are emptied in those that stay."""
    if _ANONYMISED.search(table) or _REQUESTS.search(table):
        return "(1 = 0)", conditions
    either = "(" + " or ".join(conditions.values()) + ")"
    names = {column for column, _ in columns}
    if {"visitor_id", "customer_id", "event_at"} <= names:
        # On a cookie that others use too only the login is the person's.
        theirs = f"({conditions['visitor_id']} or visitor_id is null)"
        others = {column: sql for column, sql in conditions.items() if column != "visitor_id"}
        return f"({theirs} and {either})", others
    return either, {}
