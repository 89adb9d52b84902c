"""What a build read, and which runs of a warehouse passed (macros/loads.sql notes them)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import duckdb

from python_ext.errors import SegmentationError
from python_ext.raw_files import raw_file_stamps
from python_ext.settings import declared_tables, is_on, is_remote, project_vars, raw_files

SMALLER_RUNS = ("hourly", "daily")
"""Selectors that leave some marts as an earlier build made them, the smallest first."""

OF_A_RUN = (
    *("cutoffs", "segments_refit", "raw_folders"),
    *("as_of_date", "custom_run_started_at"),
)
"""Vars in which a smaller run may differ from the whole build before it."""


def settings_fingerprint(project_dir: Path, given: str) -> str:
    """A hash of each var of a run but ``OF_A_RUN``: those of the project and, over them, the given.

    Parameters
    ----------
    given
        Vars of the command line, as JSON.

    Returns
    -------
    str
        JSON, name of the var to hash, sorted by name.
    """
    settings = {**project_vars(project_dir), **json.loads(given or "{}")}
    hashes = {
        name: hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
        for name, value in settings.items()
        if name not in OF_A_RUN
    }
    return json.dumps({name: hashes[name][:12] for name in sorted(hashes)})


def refuse_unfinished(connection: duckdb.DuckDBPyConnection, warehouse: str) -> None:
    """Stop where a mart that the last run left alone comes from a larger run that did not pass.

    Parameters
    ----------
    warehouse
        Name under which the warehouse is attached. One in which no runs are noted has none but
        whole builds.

    Raises
    ------
    SegmentationError
        No complete run passed, a larger one than the last was not finished since with the same
        settings, or settings have changed since the complete one.
    """
    is_noted = connection.execute(
        "select count(*) from duckdb_tables() where database_name = ? "
        "and schema_name = 'bookkeeping' and table_name = 'arrivals'",
        [warehouse],
    ).fetchone()[0]
    if not is_noted:
        return
    runs = connection.execute(
        f"""
        select settings, version = 'passed', file from "{warehouse}".bookkeeping.arrivals
        where model = '' and source_table = '' order by load_number
        """
    ).fetchall()
    last = runs[-1][0] if runs else "complete"
    if last not in SMALLER_RUNS:
        return
    bases = [place for place, run in enumerate(runs) if run[:2] == ("complete", True)]
    settings = runs[bases[-1]][2] if bases else None
    if bases and runs[-1][2] != settings:
        raise SegmentationError(
            f"Nothing was published: settings have changed since the last whole build"
            f"{_changed(settings, runs[-1][2])}, and what `{last}` leaves as it is was made by "
            "the old ones. Run `make retrain`."
        )
    # A run with other settings, even one that passed, left what these would not have made.
    since = [
        (name, is_passed and of == settings)
        for name, is_passed, of in runs[(bases[-1] if bases else -1) + 1 :]
    ]
    mends = _smallest_that_mends(since) if bases else "retrain"
    if mends is not None:
        raise SegmentationError(
            f"Nothing was published: what `{last}` leaves as it is comes from a larger build that "
            f"did not pass, or had other settings. Run `make {mends}`."
        )


def _smallest_that_mends(runs: list[tuple[str, bool]]) -> str | None:
    """Which run makes up for those that did not pass; None where runs as large already did."""
    sizes = {name: size for size, name in enumerate(SMALLER_RUNS, start=1)}
    mended = largest = 0
    for run, is_passed in reversed(runs):
        size = sizes.get(run, len(sizes) + 1)
        if is_passed:
            # One of named models mends nothing.
            mended = max(mended, sizes.get(run, 0))
        elif size > mended:
            largest = max(largest, size)
    return (None, *SMALLER_RUNS, "retrain")[largest]


def _changed(before: str, now: str) -> str:
    """Which vars have other hashes, in brackets; nothing where that was not noted."""
    try:
        old, new = json.loads(before), json.loads(now)
        names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    except (TypeError, ValueError, AttributeError):
        return ""
    return f" ({', '.join(names)})"


NOTE_OF_A_CHANGE = """
    insert into bookkeeping.arrivals
    select '', '', '', 'begun', 'part', coalesce(max(load_number), 0) + 1 from bookkeeping.arrivals
"""
"""A change by hand of what was built: only a whole build makes up for it."""


def note_change(connection: duckdb.DuckDBPyConnection) -> None:
    """Note in a warehouse that something was changed by hand, so that no small run is published.

    Parameters
    ----------
    connection
        To the warehouse; one in which no runs are noted stays as it is.
    """
    (is_noted,) = connection.execute(
        "select count(*) from duckdb_tables() where database_name = current_database() "
        "and schema_name = 'bookkeeping' and table_name = 'arrivals'"
    ).fetchone()
    if is_noted:
        connection.execute(NOTE_OF_A_CHANGE)


def fingerprints(
    project_dir: Path,
    raw_data: str,
    raw_format: str,
    sources: dict[str, bool],
    read: dict[str, list[int]] | None,
) -> dict[str, str]:
    """SHA-256 of each raw table of a local dataset; nothing for one that lies elsewhere.

    Nor for a table of which a file is not as the build read it (``raw_file_stamps``).
    """
    if is_remote(raw_data):
        return {}
    try:
        tables = declared_tables(project_dir)
    except SegmentationError:
        return {}
    folder, found = project_dir / raw_data, {}
    now = raw_file_stamps(raw_data, project_dir=project_dir)
    for table in tables:
        if not is_on(table, sources):
            continue
        digests, files = [], list(raw_files(folder, table, raw_format))
        names = [file.relative_to(folder).as_posix() for file in files]
        if read is not None and any(read.get(name) != now.get(name) for name in names):
            continue
        for file in files:
            with file.open("rb") as stream:
                digests.append(hashlib.file_digest(stream, "sha256").hexdigest())
        if digests:
            # Of several arrivals one: that of the list of theirs.
            together = hashlib.sha256("".join(digests).encode()).hexdigest()
            found[table] = digests[0] if len(digests) == 1 else together
    return found
