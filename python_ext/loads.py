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

OF_A_RUN = ("cutoffs", "segments_refit", "raw_folders")
"""Vars in which a smaller run may differ from the whole build before it."""


def settings_fingerprint(project_dir: Path, given: str) -> str:
    """Hash of a run's vars but ``OF_A_RUN``: of those of the project and, over them, the given.

    Parameters
    ----------
    given
        Vars of the command line, as JSON.
    """
    settings = {**project_vars(project_dir), **json.loads(given or "{}")}
    settings = {name: value for name, value in settings.items() if name not in OF_A_RUN}
    text = json.dumps(settings, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


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
        No complete run passed, a larger one than the last was not finished since, or settings
        have changed since the complete one.
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
    if not bases or not _all_mended([run[:2] for run in runs[bases[-1] + 1 :]]):
        raise SegmentationError(
            f"Nothing was published: what `{last}` leaves as it is comes from a larger build that "
            "did not pass. Run `make retrain`."
        )
    if runs[bases[-1]][2] != runs[-1][2]:
        raise SegmentationError(
            f"Nothing was published: settings have changed since the last whole build, and what "
            f"`{last}` leaves as it is was made by the old ones. Run `make retrain`."
        )


def _all_mended(runs: list[tuple[str, bool]]) -> bool:
    """Whether each run that did not pass was followed by one as large that did."""
    sizes = {name: size for size, name in enumerate(SMALLER_RUNS, start=1)}
    largest = 0
    for run, is_passed in reversed(runs):
        if is_passed:
            largest = max(largest, sizes.get(run, 0))
        elif sizes.get(run, len(sizes) + 1) > largest:
            return False
    return True


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
