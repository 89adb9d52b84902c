"""What the last build left behind, and whether it is what the warehouse holds."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

from python_ext.errors import SegmentationError
from python_ext.loads import SMALLER_RUNS
from python_ext.settings import project_vars

NOTE = "main.last_build"

_FAILED = {"error", "fail", "runtime error", "skipped", "partial success"}


def passed_results(file: Path) -> dict[str, Any]:
    """The results of the last build, if it passed.

    Parameters
    ----------
    file : Path
        ``target/run_results.json``.

    Raises
    ------
    SegmentationError
        It is missing or unreadable, or tells of no build or of one that failed.
    """
    if not file.is_file():
        raise SegmentationError(
            f"Nothing was published: {file} is missing, so no build is known to have passed. "
            "Run `make build`."
        )
    try:
        results = json.loads(file.read_text(encoding="utf-8"))
        command = results["args"]["which"]
        outcomes = [(result["unique_id"], result["status"]) for result in results["results"]]
        results["metadata"]["invocation_id"]
    except (ValueError, KeyError, TypeError) as error:
        raise SegmentationError(
            f"Nothing was published: {file} cannot be read ({error!r}). Run `make build`."
        ) from error
    if command != "build":
        raise SegmentationError(
            f"Nothing was published: the last dbt command was `dbt {command}`, not a build."
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


def marts_of(results: dict[str, Any], manifest: Path, *, schema: str) -> set[str] | None:
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
        if node["resource_type"] == "model" and node["schema"] == schema
    }
    if not marts:
        return None
    if results["args"].get("selector") in SMALLER_RUNS or _is_rest_of_all(results["args"]):
        return set(marts.values())
    built = {result["unique_id"] for result in results["results"]}
    if missing := sorted(name for unique_id, name in marts.items() if unique_id not in built):
        raise SegmentationError(
            "Nothing was published: the last build made only a part of the marts "
            f"(without {', '.join(missing)}). Run `make build`."
        )
    return set(marts.values())


def _is_rest_of_all(args: dict[str, Any]) -> bool:
    """Whether `dbt retry` ran what was left of a whole build; dbt calls it that build otherwise."""
    is_retry = "retry" in str(args.get("invocation_command", "")).split()
    is_part = any(args.get(name) for name in ("select", "exclude", "resource_types"))
    return is_retry and not is_part and args.get("selector") in (None, "", "retrain")


def setting(results: dict[str, Any], project_dir: Path, name: str, default: str) -> str:
    """A var as the build had it."""
    given = {**project_vars(project_dir), **(results["args"].get("vars") or {})}
    return str(given.get(name, default))


def refuse_another_build(
    connection: duckdb.DuckDBPyConnection, source: str, results: dict[str, Any], manifest: Path
) -> dict[str, list[int]] | None:
    """Refuse a warehouse that is not as the build of these results left it.

    Every command notes itself in the warehouse before it writes anything else, and once more at
    its end (``macros/build_note.sql``).

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Where the warehouse is attached.
    source : str
        Its name there.
    results : dict
        Content of ``run_results.json``.
    manifest : Path
        ``manifest.json``, which every command writes: for a warehouse without a note.

    Returns
    -------
    dict or None
        The raw files that the build read, as ``raw_file_stamps`` gives them; None without a note.

    Raises
    ------
    SegmentationError
        Another command wrote to it since, or one that did not come to its end.
    """
    invocation = results["metadata"]["invocation_id"]
    try:
        last, is_finished, raw_files = connection.execute(
            f'select invocation_id, is_finished, raw_files from "{source}".{NOTE}'
        ).fetchone()
    except duckdb.CatalogException:
        last, is_finished, raw_files = _last_of(manifest) or invocation, True, "null"
    if not is_finished:
        raise SegmentationError(
            "Nothing was published: the last build did not come to its end (it was killed, or it "
            "still runs). Run the build again; what was published before is unchanged."
        )
    if last != invocation:
        raise SegmentationError(
            "Nothing was published: another dbt command ran after the last finished build, and "
            "its results are not these. Run the build again."
        )
    return json.loads(raw_files)


def _last_of(manifest: Path) -> str | None:
    with suppress(OSError, ValueError, KeyError):
        return json.loads(manifest.read_text(encoding="utf-8"))["metadata"]["invocation_id"]
    return None
