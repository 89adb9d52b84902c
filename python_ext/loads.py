"""What a build read, and which runs of a warehouse passed (macros/arrivals.sql notes them)."""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb

from python_ext.errors import SegmentationError
from python_ext.settings import declared_tables, is_on, is_remote, raw_files

SMALLER_RUNS = ("hourly", "daily")
"""Selectors that leave some marts as an earlier build made them, the smallest first."""


def refuse_unfinished(connection: duckdb.DuckDBPyConnection, warehouse: str, run: str) -> None:
    """Stop where a mart that a smaller run leaves alone comes from none that passed.

    Parameters
    ----------
    warehouse
        Name under which the warehouse is attached, quoted.
    run
        One of ``SMALLER_RUNS``, which has passed.

    Raises
    ------
    SegmentationError
        No complete run passed, or a larger one than this was not finished since.
    """
    mended = SMALLER_RUNS[: SMALLER_RUNS.index(run) + 1]
    base, unfinished = connection.execute(
        f"""
        with runs as (
            select settings as run, load_number, version = 'passed' as is_passed
            from {warehouse}.staging.arrivals where model = '' and source_table = ''
        )
        select max(load_number) filter (where run = 'complete' and is_passed),
            max(load_number) filter (where not is_passed and run not in {(*mended, "")})
        from runs
        """
    ).fetchone()
    if base is None or (unfinished or 0) > base:
        raise SegmentationError(
            f"Nothing was published: what `{run}` leaves as it is comes from a larger build that "
            "did not pass. Run `make retrain`."
        )


def fingerprints(
    project_dir: Path, raw_data: str, raw_format: str, sources: dict[str, bool]
) -> dict[str, str]:
    """SHA-256 of each raw table of a local dataset; nothing for one that lies elsewhere."""
    if is_remote(raw_data):
        return {}
    try:
        tables = declared_tables(project_dir)
    except SegmentationError:
        return {}
    found = {}
    for table in tables:
        if not is_on(table, sources):
            continue
        digests = []
        for file in raw_files(project_dir / raw_data, table, raw_format):
            with file.open("rb") as stream:
                digests.append(hashlib.file_digest(stream, "sha256").hexdigest())
        if digests:
            # Of several arrivals one: that of the list of theirs.
            together = hashlib.sha256("".join(digests).encode()).hexdigest()
            found[table] = digests[0] if len(digests) == 1 else together
    return found
