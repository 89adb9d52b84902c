"""Publishes the marts of a passed build: one read-only DuckDB file, and Parquet beside it.

The new state is written whole under other names and then takes the place of the old one, so a
reader sees either of the two and never a half. A build that failed publishes nothing.
"""

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from python_ext.build_results import marts_of, passed_results, refuse_another_build, setting
from python_ext.consent import refuse_forbidden
from python_ext.errors import SegmentationError
from python_ext.loads import fingerprints, refuse_unfinished
from python_ext.settings import dataset_vars, project_vars
from python_ext.swap import (
    ABOUT,
    PARQUET,
    alone_in,
    clear,
    finish_interrupted_swap,
    next_database,
    swap,
)
from python_ext.warehouse import explained

SCHEMA = "marts"

_TARGET = "published"


@dataclass(frozen=True)
class Published:
    """What was published.

    Attributes
    ----------
    rows : dict
        Rows of each mart, by name.
    about : dict
        What the data are: the content of ``about.json``.
    erasure_requests : int
        People who asked to be forgotten and have not been.
    """

    rows: dict[str, int] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    erasure_requests: int = 0


def publish(
    database: Path, out_dir: Path, run_results: Path, *, project_dir: Path | None = None
) -> Published:
    """Copy every mart of a passed build into ``out_dir``.

    Writes ``segments.duckdb`` (schema ``marts``, with the comments of tables and columns) and
    ``parquet/<mart>.parquet``. What the data are stands in ``marts.about`` (one row) and, with the
    fingerprint of every raw file, in ``parquet/about.json``.
    Rows are in the order of their columns, keys first, so equal marts give equal files.

    Parameters
    ----------
    database : Path
        Warehouse file of the build; opened read-only.
    out_dir : Path
        Folder to publish to.
    run_results : Path
        ``target/run_results.json`` of that build.
    project_dir : Path, optional
        Folder of ``dbt_project.yml``, for the vars a plain ``dbt build`` runs with.

    Returns
    -------
    Published

    Raises
    ------
    SegmentationError
        The build did not pass, a row is about a person whose present consent forbids it, or the
        marts cannot be read or written. What was published before stays as it was.
    """
    try:
        with alone_in(out_dir):
            finish_interrupted_swap(out_dir)
            return _publish(database, out_dir, run_results, project_dir or Path())
    except (duckdb.Error, OSError) as error:
        raise SegmentationError(
            f"Nothing was published; what was there before is unchanged: {_told(error, database)}"
        ) from error


def _publish(database: Path, out_dir: Path, run_results: Path, project_dir: Path) -> Published:
    """The new state in the place of the old one, or an error and the old one."""
    results = passed_results(run_results)
    manifest = run_results.with_name("manifest.json")
    marts = marts_of(results, manifest, schema=SCHEMA)
    if not database.is_file():
        raise SegmentationError(f"There is no warehouse {database}. Run `make build` first.")
    clear(out_dir)
    try:
        basis = setting(results, project_dir, "profiling_basis", "legitimate_interest")
        with duckdb.connect() as connection:
            # Views in the warehouse name it by its file: it must carry that name here too.
            connection.execute(f"attach {_text(database)} as {_name(database.stem)} (read_only)")
            read = refuse_another_build(connection, database.stem, results, manifest)
            about = _about(results, project_dir, read)
            published = _write(connection, database, out_dir, about, marts, profiling_basis=basis)
        swap(out_dir)
        return published
    finally:
        clear(out_dir)


def _told(error: Exception, database: Path) -> str:
    """An engine's error, with what to do where that is known."""
    said = str(error)
    if "No space left" in said or "File too large" in said:
        return f"{said}. Free some space, then run `segmentation publish` again."
    if str(database) in said and isinstance(error, duckdb.Error):
        return explained(database, error)
    return said


def _about(
    results: dict[str, Any], project_dir: Path, read: dict[str, list[int]] | None
) -> dict[str, Any]:
    """What the data are, from the vars of the build and the files it read.

    A file that was written again since has no fingerprint: it is not the one that was read.
    """
    given = results["args"].get("vars") or {}
    raw_data = str(given.get("raw_data") or os.environ.get("RAW_DATA", "data/demo"))
    # A plain `dbt build` is told nothing of the dataset; its folder says what it is.
    with suppress(SegmentationError):
        given = {**dataset_vars(raw_data, project_dir=project_dir).vars, **given}
    settings = {**project_vars(project_dir), **given}
    return {
        "dataset": settings.get("dataset"),
        "dataset_title": settings.get("dataset_title"),
        "is_synthetic": bool(settings.get("is_synthetic", False)),
        "base_currency": settings.get("base_currency"),
        "k_anonymity": settings.get("k_anonymity"),
        "as_of_date": None,
        "run": results["args"].get("selector") or results["args"]["which"],
        "built_at": results["metadata"].get("generated_at"),
        "sources": fingerprints(
            project_dir,
            raw_data,
            str(settings.get("raw_format", "parquet")),
            settings.get("sources") or {},
            read,
        ),
    }


def _write(
    connection: duckdb.DuckDBPyConnection,
    database: Path,
    out_dir: Path,
    about: dict[str, Any],
    wanted: set[str] | None,
    *,
    profiling_basis: str,
) -> Published:
    """The new state under its provisional names."""
    source = database.stem
    rows: dict[str, int] = {}
    parquet = out_dir / f"{PARQUET}.next"
    parquet.mkdir()
    connection.execute(f"attach {_text(next_database(out_dir))} as {_TARGET}")
    connection.execute(f"create schema {_TARGET}.{SCHEMA}")
    marts = connection.execute(
        "select table_name from information_schema.tables "
        "where table_catalog = ? and table_schema = ? order by table_name",
        [source, SCHEMA],
    ).fetchall()
    if not marts:
        raise SegmentationError(f"Nothing was published: {database} holds no marts.")
    refuse_unfinished(connection, source)
    refuse_forbidden(connection, source, profiling_basis=profiling_basis)
    for (mart,) in marts:
        if wanted is not None and mart not in wanted:
            continue
        table = f"{_TARGET}.{SCHEMA}.{_name(mart)}"
        connection.execute(
            f"create table {table} as "
            f"select * from {_name(source)}.{SCHEMA}.{_name(mart)} order by all"
        )
        connection.execute(
            f"copy (select * from {table}) to {_text(parquet / f'{mart}.parquet')} "
            "(format parquet, compression zstd)"
        )
        rows[mart] = connection.execute(f"select count(*) from {table}").fetchone()[0]
    _copy_comments(connection, source)
    about = {**about, "as_of_date": _as_of_date(connection, source), "marts": rows}
    _write_about(connection, out_dir, about)
    waiting = _erasure_requests(connection, source)
    return Published(rows=rows, about=about, erasure_requests=waiting)


def _copy_comments(connection: duckdb.DuckDBPyConnection, source: str) -> None:
    """The descriptions that dbt left on tables, views and columns."""
    tables = connection.execute(
        "select table_name, comment from duckdb_tables() "
        "where database_name = $1 and schema_name = $2 and comment is not null "
        "union all select view_name, comment from duckdb_views() "
        "where database_name = $1 and schema_name = $2 and comment is not null",
        [source, SCHEMA],
    ).fetchall()
    columns = connection.execute(
        "select table_name, column_name, comment from duckdb_columns() "
        "where database_name = $1 and schema_name = $2 and comment is not null",
        [source, SCHEMA],
    ).fetchall()
    for table, comment in tables:
        target = f"{_TARGET}.{SCHEMA}.{_name(table)}"
        connection.execute(f"comment on table {target} is {_text(comment)}")
    for table, column, comment in columns:
        target = f"{_TARGET}.{SCHEMA}.{_name(table)}.{_name(column)}"
        connection.execute(f"comment on column {target} is {_text(comment)}")


def _as_of_date(connection: duckdb.DuckDBPyConnection, source: str) -> str | None:
    """The day the build looked from; None for a warehouse that does not tell."""
    try:
        row = connection.execute(
            f"select cast(max(as_of_date) as varchar) "
            f"from {_name(source)}.intermediate.int_as_of_date"
        ).fetchone()
    except duckdb.Error:
        return None
    return row[0]


def _erasure_requests(connection: duckdb.DuckDBPyConnection, source: str) -> int:
    """Customer numbers of requests without a receipt; 0 for a warehouse that has no such table."""
    try:
        row = connection.execute(
            f"select count(distinct customer_id) from {_name(source)}.staging."
            "stg_crm__erasure_requests where customer_id not like 'receipt:%'"
        ).fetchone()
    except duckdb.Error:
        return 0
    return row[0]


def _write_about(
    connection: duckdb.DuckDBPyConnection, out_dir: Path, about: dict[str, Any]
) -> None:
    """``about.json`` and its one-row table."""
    together = json.dumps(about["sources"], sort_keys=True).encode()
    fingerprint = hashlib.sha256(together).hexdigest() if about["sources"] else None
    connection.execute(
        f"create table {_TARGET}.{SCHEMA}.{ABOUT} as select "
        "cast($1 as varchar) as dataset, cast($2 as varchar) as dataset_title, "
        "cast($3 as boolean) as is_synthetic, cast($4 as varchar) as base_currency, "
        "cast($5 as date) as as_of_date, cast($6 as timestamp) as built_at, "
        "cast($7 as bigint) as k_anonymity, cast($8 as varchar) as source_fingerprint",
        [
            *(about[key] for key in ("dataset", "dataset_title", "is_synthetic")),
            *(about[key] for key in ("base_currency", "as_of_date", "built_at", "k_anonymity")),
            fingerprint,
        ],
    )
    connection.execute(
        f"comment on table {_TARGET}.{SCHEMA}.{ABOUT} is "
        "'One row: what the published data are, and what they were made from.'"
    )
    (out_dir / f"{PARQUET}.next" / f"{ABOUT}.json").write_text(
        json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def _name(identifier: str) -> str:
    """An identifier, quoted."""
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: object) -> str:
    """A text, quoted."""
    return "'" + str(value).replace("'", "''") + "'"
