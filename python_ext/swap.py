"""Puts a published state in the place of another, so that a kill at any moment leaves one whole."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from python_ext.errors import SegmentationError

DATABASE = "segments.duckdb"
PARQUET = "parquet"
ABOUT = "about"

_HERE = -100  # AT_FDCWD: paths are relative to the current folder
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS


@contextmanager
def alone_in(out_dir: Path) -> Iterator[None]:
    """Make the folder, and be the only one who publishes to it.

    Raises
    ------
    SegmentationError
        Somebody else is publishing to it.
    """
    was_there = out_dir.is_dir()
    out_dir.mkdir(parents=True, exist_ok=True)
    # The lock is the system's: it ends with the process, however that ends.
    folder = os.open(out_dir, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(folder)
        raise SegmentationError(
            f"Another command is publishing to {out_dir} at this moment. Nothing was done; run "
            "this again when it has ended."
        ) from error
    try:
        yield
    finally:
        os.close(folder)
        if not was_there:
            with suppress(OSError):  # it holds something now
                out_dir.rmdir()


def next_database(out_dir: Path) -> Path:
    """Where the new database is written."""
    return out_dir / "segments.next.duckdb"


def swap(out_dir: Path) -> None:
    """Put the new state in the place of the old; on any failure, the old one back."""
    current, following = out_dir / PARQUET, out_dir / f"{PARQUET}.next"
    for file in (*following.iterdir(), following, next_database(out_dir)):
        _to_disk(file)
    before = current.stat().st_ino if current.exists() else None
    try:
        _put(following, current)
        next_database(out_dir).replace(out_dir / DATABASE)
    except BaseException:
        for folder in _others(out_dir):
            if folder.exists() and folder.stat().st_ino == before:
                _put(folder, current)
                break
        if before is None:
            shutil.rmtree(current, ignore_errors=True)
        raise
    _to_disk(out_dir)


def finish_interrupted_swap(out_dir: Path) -> None:
    """Undo half a swap: the database says which of two Parquet folders is of the same state."""
    current = out_dir / PARQUET
    former, following = _others(out_dir)
    for other in (former, following):
        if not other.exists():
            continue
        stands = _built_at(out_dir / DATABASE)
        # What was moved aside is whole; what was being written may not be.
        is_missed = other == former and not current.exists()
        if is_missed or (stands is not None and _told_by(current) != stands == _told_by(other)):
            _put(other, current)
        return


def clear(out_dir: Path) -> None:
    """Remove what an unfinished attempt left, and what a swap has replaced."""
    for folder in _others(out_dir):
        shutil.rmtree(folder, ignore_errors=True)
    for file in (next_database(out_dir), Path(f"{next_database(out_dir)}.wal")):
        file.unlink(missing_ok=True)


def _others(out_dir: Path) -> tuple[Path, Path]:
    """Where the Parquet folder is that is not in its place."""
    return out_dir / f"{PARQUET}.old", out_dir / f"{PARQUET}.next"


def _put(folder: Path, place: Path) -> None:
    """Move a folder to a place; what was there goes to one of the other names, or for good."""
    if not place.exists():
        folder.rename(place)
    elif not _exchanged(folder, place):
        # Two steps where the system has none in one; a kill between them is mended by the next.
        former, _ = _others(place.parent)
        if folder == former:
            shutil.rmtree(place)
        else:
            place.rename(former)
        folder.rename(place)


def _exchanged(one: Path, other: Path) -> bool:
    """Let two folders change names in one step; false where the system cannot."""
    library = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(one), os.fsencode(other)
    if sys.platform == "darwin" and hasattr(library, "renamex_np"):
        return library.renamex_np(*names, _EXCHANGE) == 0
    if hasattr(library, "renameat2"):
        return library.renameat2(_HERE, names[0], _HERE, names[1], _EXCHANGE) == 0
    return False


def _to_disk(file: Path) -> None:
    """Have the system write what it still holds of a file or a folder's names."""
    opened = os.open(file, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _built_at(database: Path) -> str | None:
    """When the build of a published database ended; None where it does not tell."""
    if not database.exists():
        return None
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            row = connection.execute(
                f"select cast(built_at as varchar) from marts.{ABOUT}"
            ).fetchone()
    except duckdb.Error:
        return None
    return row[0]


def _told_by(parquet: Path) -> str | None:
    """When the build of a published Parquet folder ended; None where it does not tell."""
    try:
        told = json.loads((parquet / f"{ABOUT}.json").read_text(encoding="utf-8"))["built_at"]
        return duckdb.execute(
            "select cast(try_cast($1 as timestamp) as varchar)", [told]
        ).fetchone()[0]
    except (OSError, ValueError, KeyError):
        return None
