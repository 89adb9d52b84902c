"""Publishes the marts of a passed build: one read-only DuckDB file, and Parquet beside it.

The new state is written whole under other names and then takes the place of the old one, so a
reader sees either of the two and never a half. A build that failed publishes nothing.
"""

import hashlib
import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from python_ext.consent import refuse_forbidden
from python_ext.errors import SegmentationError
from python_ext.loads import SMALLER_RUNS, fingerprints, refuse_unfinished
from python_ext.settings import (
    dataset_vars,
    project_vars,
)

SCHEMA = "marts"
DATABASE = "segments.duckdb"
PARQUET = "parquet"
ABOUT = "about"

_COMMANDS = {"build", "retry"}
_FAILED = {"error", "fail", "runtime error", "skipped", "partial success"}
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
    _finish_interrupted_swap(out_dir)
    results = _passed_results(run_results)
    marts = _marts_of(results, run_results.with_name("manifest.json"))
    if not database.is_file():
        raise SegmentationError(f"There is no warehouse {database}. Run `make build` first.")
    out_dir.mkdir(parents=True, exist_ok=True)
    _clear(out_dir)
    try:
        about = _about(results, project_dir or Path())
        basis = _setting(results, project_dir or Path(), "profiling_basis", "legitimate_interest")
        published = _write(database, out_dir, about, marts, profiling_basis=basis)
        _swap(out_dir)
    except (duckdb.Error, OSError) as error:
        raise SegmentationError(
            f"Nothing was published; what was there before is unchanged: {error}"
        ) from error
    finally:
        _clear(out_dir)
    return published


def _passed_results(file: Path) -> dict[str, Any]:
    """The results of the last build, if it passed."""
    if not file.is_file():
        raise SegmentationError(
            f"Nothing was published: {file} is missing, so no build is known to have passed. "
            "Run `make build`."
        )
    try:
        results = json.loads(file.read_text(encoding="utf-8"))
        command = results["args"]["which"]
        outcomes = [(result["unique_id"], result["status"]) for result in results["results"]]
        invocation = results["metadata"]["invocation_id"]
    except (ValueError, KeyError, TypeError) as error:
        raise SegmentationError(
            f"Nothing was published: {file} cannot be read ({error!r}). Run `make build`."
        ) from error
    if command not in _COMMANDS:
        raise SegmentationError(
            f"Nothing was published: the last dbt command was `dbt {command}`, not a build."
        )
    manifest = file.with_name("manifest.json")
    if manifest.is_file():
        # A build that is killed, or stopped by the input check, leaves the results of an earlier
        # one behind, but it has rewritten the manifest by then.
        with suppress(ValueError, KeyError):
            last = json.loads(manifest.read_text(encoding="utf-8"))["metadata"]["invocation_id"]
            if last != invocation:
                raise SegmentationError(
                    "Nothing was published: another dbt command ran after the last finished "
                    "build, and left no results. Run the build again."
                )
    if failed := sorted(name for name, status in outcomes if status in _FAILED):
        shown = ", ".join(failed[:5]) + (f" and {len(failed) - 5} more" if failed[5:] else "")
        raise SegmentationError(
            f"Nothing was published: {len(failed)} of {len(outcomes)} steps of the build failed "
            f"or were skipped ({shown}). What was published before is unchanged."
        )
    if not outcomes:
        raise SegmentationError("Nothing was published: the last build ran nothing.")
    return results


def _marts_of(results: dict[str, Any], manifest: Path) -> set[str] | None:
    """Names of the marts, all of them built by the last build; None without a manifest.

    The warehouse outlives a mart that was renamed or removed, and a build of a selection passes
    without having built the rest: neither may be published as if it were today's. What the
    selectors of `SMALLER_RUNS` leave alone is yesterday's by intention; see ``loads``.
    """
    nodes: dict[str, Any] = {}
    if manifest.is_file():
        with suppress(ValueError):
            nodes = json.loads(manifest.read_text(encoding="utf-8")).get("nodes") or {}
    marts = {
        unique_id: node["name"]
        for unique_id, node in nodes.items()
        if node["resource_type"] == "model" and node["schema"] == SCHEMA
    }
    if not marts:
        return None
    if results["args"].get("selector") in SMALLER_RUNS:
        return set(marts.values())
    built = {result["unique_id"] for result in results["results"]}
    if results["args"]["which"] == "retry":
        # A retry runs what is left of a build; the rest was built before it.
        return set(marts.values())
    if missing := sorted(name for unique_id, name in marts.items() if unique_id not in built):
        raise SegmentationError(
            "Nothing was published: the last build made only a part of the marts "
            f"(without {', '.join(missing)}). Run `make build`."
        )
    return set(marts.values())


def _setting(results: dict[str, Any], project_dir: Path, name: str, default: str) -> str:
    """A var as the build had it."""
    given = {**project_vars(project_dir), **(results["args"].get("vars") or {})}
    return str(given.get(name, default))


def _about(results: dict[str, Any], project_dir: Path) -> dict[str, Any]:
    """What the data are, from the vars of the build and the files it read."""
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
        ),
    }


def _write(
    database: Path,
    out_dir: Path,
    about: dict[str, Any],
    wanted: set[str] | None,
    *,
    profiling_basis: str,
) -> Published:
    """The new state under its provisional names."""
    # Views in the warehouse name it by its file: it must carry that name here too.
    source = database.stem
    rows: dict[str, int] = {}
    parquet = out_dir / f"{PARQUET}.next"
    parquet.mkdir()
    with duckdb.connect() as connection:
        connection.execute(f"attach {_text(database)} as {_name(source)} (read_only)")
        connection.execute(f"attach {_text(_next_database(out_dir))} as {_TARGET}")
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
            "stg_crm__erasure_requests where rejection_reason is null "
            "and customer_id not like 'receipt:%'"
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


def _swap(out_dir: Path) -> None:
    """Put the new state in the place of the old; on any failure, the old one back."""
    current, following, former = (out_dir / f"{PARQUET}{end}" for end in ("", ".next", ".old"))
    if current.exists():
        current.rename(former)
    try:
        following.rename(current)
        _next_database(out_dir).replace(out_dir / DATABASE)
    except BaseException:
        if current.exists():
            shutil.rmtree(current)
        if former.exists():
            former.rename(current)
        raise
    shutil.rmtree(former, ignore_errors=True)


def _finish_interrupted_swap(out_dir: Path) -> None:
    """Bring a swap that was killed to one of its ends: undo it, or finish it if it was all but."""
    current, former = out_dir / PARQUET, out_dir / f"{PARQUET}.old"
    if not former.exists():
        return
    if current.exists() and not _next_database(out_dir).exists():
        shutil.rmtree(former)
    else:
        shutil.rmtree(current, ignore_errors=True)
        former.rename(current)


def _clear(out_dir: Path) -> None:
    """Remove what an unfinished attempt left."""
    shutil.rmtree(out_dir / f"{PARQUET}.next", ignore_errors=True)
    for file in (_next_database(out_dir), Path(f"{_next_database(out_dir)}.wal")):
        file.unlink(missing_ok=True)


def _next_database(out_dir: Path) -> Path:
    return out_dir / "segments.next.duckdb"


def _name(identifier: str) -> str:
    """An identifier, quoted."""
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: object) -> str:
    """A text, quoted."""
    return "'" + str(value).replace("'", "''") + "'"
