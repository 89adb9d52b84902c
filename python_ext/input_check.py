"""Looks at the raw files of a dataset before a build touches anything.

The declared tables, columns and types of the dbt sources are the contract; every way a file
breaks it is reported at once, with what was found and what to do.
"""

import difflib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from python_ext._arriving_files import unlike_files
from python_ext._readable_values import FAMILIES, MACROS, READABLE, WANTED
from python_ext.remote import load_address_reading
from python_ext.settings import (
    ARRIVING_TABLES,
    EVERY_FILE,
    REQUIRED_TABLES,
    date_formats,
    declared_tables,
    is_on,
    is_remote,
    raw_readers,
)

SAMPLE_ROWS = 20_000
UNREADABLE_SHARE = 0.2
"""A sample column is of the wrong type from more than this share of unreadable values on; fewer
are dirt, which staging turns to null and the reconciliation counts."""


@dataclass(frozen=True)
class Problem:
    """One way in which a dataset breaks the contract.

    Attributes
    ----------
    source, table : str
        As declared; ``*`` where all are meant.
    file : str
        Where it was looked for.
    column : str or None
        Column concerned.
    rows : int or None
        How many rows of the sample are concerned.
    what : str
        What was found.
    todo : str
        What to do about it.
    """

    source: str
    table: str
    file: str
    column: str | None
    rows: int | None
    what: str
    todo: str


def check_dataset(
    project_dir: Path,
    raw_data: str,
    *,
    sources: dict[str, bool],
    raw_format: str,
    folders: Collection[str] | None = None,
    setup: Iterable[str] = (),
) -> list[Problem]:
    """Every problem of a dataset's files; none means that a build can read them.

    Parameters
    ----------
    project_dir : Path
        Folder of ``dbt_project.yml``.
    raw_data : str
        Folder of the dataset, or an address such as ``s3://bucket/dataset``.
    sources : dict
        Switches as in ``vars: sources``; a table that is off is not looked at.
    raw_format : str
        ``parquet``, ``csv`` or ``json``.
    folders : collection of str, optional
        Tables that are read from a folder of files, one for each arrival; found out where they
        are not given.
    setup : iterable of str
        SQL to run first, for instance the secrets of an address.

    Returns
    -------
    list of Problem
        In the order of the declarations.

    Raises
    ------
    SegmentationError
        No sources are declared, or addresses cannot be read on this machine.
    """
    tables = declared_tables(project_dir)
    problems = list(_switch_problems(tables, sources))
    readers = raw_readers(project_dir)
    if raw_format not in readers:
        what = f"raw_format {raw_format} is not one of {', '.join(readers)}"
        return [*problems, Problem("*", "*", raw_data, None, None, what, "Correct raw_format.")]
    if not is_remote(raw_data) and not Path(raw_data).is_dir():
        todo = "Generate the demo with `make data`, import a dataset, or correct the path."
        what = "the folder is missing"
        return [*problems, Problem("*", "*", raw_data, None, None, what, todo)]

    wanted = [table for table in tables if is_on(table, sources)]
    formats = date_formats(project_dir, raw_data)
    with duckdb.connect() as connection:
        connection.execute(MACROS)
        if is_remote(raw_data):
            load_address_reading(connection)
        for statement in setup:
            connection.execute(statement)
        for source in dict.fromkeys(table.split(".")[0] for table in wanted):
            own = [table.split(".")[1] for table in wanted if table.split(".")[0] == source]
            folder = f"{raw_data.rstrip('/')}/{source}"
            if not is_remote(raw_data) and (problem := _folder_problem(folder, source, own)):
                problems.append(problem)
                continue
            for table in own:
                path = f"{folder}/{table}"
                if _is_read_as_folder(f"{source}.{table}", path, folders):
                    path += EVERY_FILE
                reader = readers[raw_format].replace("{path}", _quoted(path))
                file = _location(reader)
                checker = _TableCheck(connection, source, table, reader, file, own, formats)
                problems += checker.run(tables[f"{source}.{table}"])
    return problems


def report(problems: Sequence[Problem]) -> str:
    """The problems as text, one paragraph each; empty when there are none."""
    if not problems:
        return ""
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    lines = [f"The input has {count}; nothing was built."]
    for problem in problems:
        where = f"{problem.source}.{problem.table}".replace("*.*", "dataset").replace(".*", "")
        if problem.column:
            where += f", column {problem.column}"
        lines += ["", f"{where}  ({problem.file})", f"    {problem.what}", f"    -> {problem.todo}"]
    return "\n".join(lines)


class _TableCheck:
    """The checks of one file, on one connection."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        source: str,
        table: str,
        reader: str,
        file: str,
        siblings: Sequence[str],
        formats: Sequence[str],
    ) -> None:
        self.connection = connection
        self.source = source
        self.table = table
        self.reader = reader
        self.file = file
        self.siblings = siblings
        # try_strptime takes no empty list.
        self.formats = "[" + ", ".join(f"'{_quoted(f)}'" for f in formats or ["%Y-%m-%d"]) + "]"

    def run(self, declared: dict[str, str]) -> list[Problem]:
        if not is_remote(self.file) and not any(_matches(self.file)):
            return [self._missing_file()]
        try:
            described = self.connection.execute(f"describe select * from {self.reader}").fetchall()
            rows = self.connection.execute(f"select count(*) from {self.reader}").fetchone()[0]
            found = {name: str(kind).lower() for name, kind, *_ in described}
            if not {name.lower() for name in found} & set(declared):
                return [self._no_columns(list(found))]
            missing = self._missing_columns(declared, list(found))
            return [
                *self._no_rows(rows),
                *missing,
                *(self._wrong_types(declared, found) if rows else []),
                *(self._unlike_files(declared) if EVERY_FILE in self.file and not missing else []),
            ]
        except duckdb.Error as error:
            return [self._unreadable(error)]

    def _problem(
        self, what: str, todo: str, *, column: str | None = None, rows: int | None = None
    ) -> Problem:
        return Problem(self.source, self.table, self.file, column, rows, what, todo)

    def _missing_file(self) -> Problem:
        others = sorted(path.name for path in Path(self.file).parent.iterdir())
        name = Path(self.file).name
        if EVERY_FILE in self.file:
            what = f"the folder has no file of an arrival; it holds {_listed(others)}"
            suffix = Path(self.file).suffix
            todo = f"Put files there whose names sort by arrival, as 2026-11-28{suffix}."
            return self._problem(what, todo + _switch_hint(f"{self.source}.{self.table}"))
        close = _closest(name, [other for other in others if Path(other).stem not in self.siblings])
        what = f"the file is missing; the folder holds {_listed(others)}"
        todo = f"Rename {close} to {name}." if close else f"Put {name} there."
        return self._problem(what, todo + _switch_hint(f"{self.source}.{self.table}"))

    def _unreadable(self, error: duckdb.Error) -> Problem:
        reason = _first_sentence(str(error))
        if "No files found" in reason or "HTTP 404" in reason:
            return self._problem(
                "the file is missing",
                "Put it there." + _switch_hint(f"{self.source}.{self.table}"),
            )
        todo = "Write it again: it is cut short, damaged, or not of the format its name says."
        if "utf-8" in reason.lower():
            todo = "Save it as UTF-8 (in Excel: CSV UTF-8): it is written in another encoding."
        if isinstance(error, duckdb.HTTPException | duckdb.IOException) and is_remote(self.file):
            todo = "Look whether the address and the credentials in the environment are right."
        return self._problem(f"the file cannot be read: {reason}", todo)

    def _no_columns(self, found: list[str]) -> Problem:
        """Also what becomes of a text file with a broken line: no separator fits every line."""
        return self._problem(
            f"the file cannot be read: none of the declared columns is in it, but {_listed(found)}",
            "Look for a wrong heading, a line with more or fewer cells than the heading, or a "
            "quote left open.",
        )

    def _no_rows(self, rows: int) -> list[Problem]:
        if rows or f"{self.source}.{self.table}" not in REQUIRED_TABLES:
            return []
        return [
            self._problem(
                "the file has no rows", "Deliver the orders: without them nothing is built.", rows=0
            )
        ]

    def _missing_columns(self, declared: dict[str, str], found: list[str]) -> list[Problem]:
        present = {name.lower() for name in found}
        spare = [name for name in found if name.lower() not in declared]
        problems = []
        for column in declared:
            if column.lower() in present:
                continue
            close = _closest(column, spare)
            todo = (
                f"Rename {close} to {column}, if that is what it holds."
                if close
                else f"Add the column {column}; leave it empty if nothing is known."
            )
            what = f"the column is missing; the file has {_listed(found)}"
            problems.append(self._problem(what, todo, column=column))
        return problems

    def _unlike_files(self, declared: dict[str, str]) -> list[Problem]:
        texts = {column for column, kind in declared.items() if _family(kind) is None}
        found = unlike_files(self.connection, self.reader, self.file, declared, texts=texts)
        return [self._problem(what, todo, column=column) for column, what, todo in found]

    def _wrong_types(self, declared: dict[str, str], found: dict[str, str]) -> list[Problem]:
        by_lower = {name.lower(): name for name in found}
        doubtful = [
            (column, by_lower[column], family)
            for column, kind in declared.items()
            if column in by_lower
            and (family := _family(kind))
            and not _is_a(found[by_lower[column]], family)
        ]
        if not doubtful:
            return []
        measures = []
        for _, name, family in doubtful:
            value = f"nullif(trim(cast(\"{name}\" as varchar)), '')"
            readable = READABLE[family].format(value, self.formats)
            bad = f"{value} is not null and not coalesce({readable}, false)"
            measures += [
                f"count({value})",
                f"count(*) filter ({bad})",
                f"list_sort(list(distinct {value}) filter ({bad}))[1:3]",
            ]
        figures = self.connection.execute(
            f"select {', '.join(measures)} from (select * from {self.reader} limit {SAMPLE_ROWS})"
        ).fetchone()
        problems = []
        for position, (column, _, family) in enumerate(doubtful):
            filled, bad, examples = figures[3 * position : 3 * position + 3]
            if bad > UNREADABLE_SHARE * filled:
                what = (
                    f"{bad:,} of {filled:,} values looked at cannot be read as "
                    f"{declared[column]}, such as {_listed([repr(str(v)) for v in examples])}"
                )
                problems.append(self._problem(what, WANTED[family], column=column, rows=bad))
        return problems


def _is_read_as_folder(table: str, path: str, folders: Collection[str] | None) -> bool:
    """Whether a table is read from a folder: as told, else where there is one."""
    if folders is None:
        return table in ARRIVING_TABLES and not is_remote(path) and Path(path).is_dir()
    return table in folders


def _switch_problems(
    tables: dict[str, dict[str, str]], sources: dict[str, bool]
) -> Iterable[Problem]:
    """Switches that switch nothing, or the one thing that must be on."""
    known = [*dict.fromkeys(table.split(".")[0] for table in tables), *tables]
    for switch in sources:
        if switch not in known:
            close = _closest(switch, known)
            todo = f"Write {close}." if close else f"Known are {', '.join(known)}."
            what = f"`sources` names {switch}, which is no source or table"
            yield Problem("*", "*", "vars: sources", None, None, what, todo)
    for table in REQUIRED_TABLES:
        if table in tables and not is_on(table, sources):
            source, name = table.split(".")
            what = "the table is switched off, and nothing can be built without it"
            yield Problem(source, name, "vars: sources", None, None, what, "Switch it on.")


def _folder_problem(folder: str, source: str, tables: list[str]) -> Problem | None:
    """A source's folder that is missing or empty: one problem, not one for each table."""
    path = Path(folder)
    if path.is_dir() and any(path.iterdir()):
        return None
    what = f"the folder is {'empty' if path.is_dir() else 'missing'}; it should hold "
    todo = f"Put the files there.{_switch_hint(source)}"
    return Problem(source, "*", folder, None, None, what + ", ".join(tables), todo)


def _switch_hint(switch: str) -> str:
    """How to do without a table, where that is possible."""
    if switch in REQUIRED_TABLES or any(t.split(".")[0] == switch for t in REQUIRED_TABLES):
        return ""
    return f" Or do without: `{switch}: false` under vars, sources in dataset.yml."


def _family(data_type: str) -> str | None:
    """What a declared type asks of the values; None for text, which is never wrong."""
    return next((name for name, form in FAMILIES.items() if form.match(data_type)), None)


def _is_a(found: str, family: str) -> bool:
    """Whether a file's own type already gives what is declared; whole numbers are numbers."""
    return _family(found) in {family, "integer" if family == "number" else family}


def _quoted(path: str) -> str:
    """A path inside a quoted SQL text."""
    return path.replace("'", "''")


def _location(reader: str) -> str:
    """The path or pattern a reader reads."""
    match = re.search(r"'((?:[^']|'')*)'", reader)
    return match[1].replace("''", "'") if match else reader


def _matches(pattern: str) -> Iterable[Path]:
    """The local files of a path or pattern."""
    path = Path(pattern)
    if path.exists():
        return [path]
    return path.parent.glob(path.name) if path.parent.is_dir() else []


def _closest(name: str, candidates: Sequence[str]) -> str | None:
    """The candidate most like a name, whatever its case and separators."""
    plain = {re.sub(r"[^a-z0-9]", "", candidate.lower()): candidate for candidate in candidates}
    target = re.sub(r"[^a-z0-9]", "", name.lower())
    close = difflib.get_close_matches(target, plain, n=1, cutoff=0.6)
    return plain[close[0]] if close else None


def _listed(names: Sequence[str], *, limit: int = 12) -> str:
    """A list in words, not too long."""
    shown = ", ".join(names[:limit]) or "nothing"
    return shown + (f" and {len(names) - limit} more" if len(names) > limit else "")


def _first_sentence(text: str) -> str:
    """The part of an engine's message that says what is wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    kept = [lines[0]]
    for line in lines[1:3]:
        if line.startswith(("Possible", "*", "LINE", "Original Line")):
            break
        kept.append(line)
    kept[0] = re.sub(r"^[\w ]*Error:\s*", "", kept[0])
    return " ".join(kept)[:300].rstrip(".")
