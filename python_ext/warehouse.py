"""Whether the warehouse can be opened for a build, and what to do where it cannot."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

_HOLDER = re.compile(r"held in (?P<program>.+?) \(PID (?P<number>\d+)\)")
_DAMAGE = (
    "not a valid DuckDB database file",
    "Corrupt database file",
    "Could not read enough bytes",
    "deserialize",
)


def warehouse_problem(file: Path) -> str:
    """What keeps a build from writing to the warehouse, and what to do; empty when nothing does.

    Parameters
    ----------
    file : Path
        The DuckDB file; one that does not exist yet is no problem, its folder has to.
    """
    if not file.parent.is_dir():
        return (
            f"There is no folder {file.parent} for the warehouse {file.name}: make it, or correct "
            "SEGMENTATION_DATABASE."
        )
    if not file.exists():
        return ""
    try:
        duckdb.connect(str(file)).close()
    except duckdb.Error as error:
        return explained(file, error)
    return ""


def explained(file: Path, error: Exception) -> str:
    """What DuckDB's error on opening a warehouse means, and what to do.

    Parameters
    ----------
    file : Path
        The warehouse.
    error : Exception
        What DuckDB raised.
    """
    said = str(error).split("\n")[0]
    if "Could not set lock" in said:
        return (
            f"The warehouse {file} is in use by {_holder(said)}. If that is another build, wait "
            "for its end. If it is a notebook or a BI tool, close its connection, and let it read "
            "publish/segments.duckdb, which no build locks. Then run this again: nothing was "
            "written."
        )
    wal = Path(f"{file}.wal")
    if "WAL" in said:
        return (
            f"What the last command wrote to {wal} before it was cut off is damaged ({said}). Put "
            f"that file aside: mv {wal} {wal}.damaged. The warehouse is then as it was last saved, "
            "before or within that command; build again. What was published is whole."
        )
    if any(sign in said for sign in _DAMAGE):
        return (
            f"The warehouse {file} is damaged ({said}). Put it aside (mv {file} {file}.damaged, "
            f"and {wal.name} with it, where there is one) and put your copy of it in its place, or "
            "build anew without one: everything is made from the raw files again but what "
            "only the warehouse remembers (docs/FAULTS.md). What was published is whole."
        )
    return f"The warehouse {file} cannot be opened: {said}. Nothing was written."


def _holder(said: str) -> str:
    """Which process holds the file: its command where the system tells, else its program."""
    found = _HOLDER.search(said)
    if not found:
        return "another process"
    number = found["number"]
    try:
        parts = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
        words = [part.decode(errors="replace") for part in parts if part]
    except OSError:
        words = []
    words = [Path(words[0]).name, *words[1:]] if words else [Path(found["program"]).name]
    if len(words) > 1 and words[0].startswith("python"):
        words = [Path(words[1]).name, *words[2:]]
    told = " ".join(words)
    return f"`{told[:60]}{'…' if told[60:] else ''}` (process {number})"
