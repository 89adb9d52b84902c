"""Whether a build would make what the last one made (macros/unchanged.sql asks)."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import platform
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import distributions
from pathlib import Path

from python_ext.identity import SECRET_VARIABLE
from python_ext.privacy import OLD_SECRETS_VARIABLE, privacy_directory
from python_ext.raw_files import raw_file_stamps
from python_ext.settings import is_remote, project_vars

CODE = ("dbt_project.yml", "profiles.yml", "selectors.yml", "macros", "models", "seeds")
"""What of the project decides over the content of a table, beside this package."""

ENVIRONMENT = (OLD_SECRETS_VARIABLE, "OBSERVABILITY")


def made_of(
    project_dir: Path, code_dir: str, raw_data: str, given: str, run: str, started: str
) -> str | None:
    """A keyed hash of all that a build makes its tables of, but what the warehouse itself holds.

    Parameters
    ----------
    project_dir : Path
        Folder that the dataset's is relative to.
    code_dir : str
        Folder of the project that dbt builds.
    raw_data : str
        Folder of the dataset, relative to ``project_dir``.
    given : str
        Vars of the command line, as JSON.
    run : str
        Which run it is: complete, daily, hourly.
    started : str
        When it began, ISO 8601 with the zone of the shop. The day counts, for what lies in the
        future is set aside, and no longer when it has come.

    Returns
    -------
    str or None
        64 hexadecimal digits. None where that cannot be told: data at an address, whose files are
        not looked at, or code that was changed after the run began and may have been read before.
    """
    of_run = json.loads(given or "{}") or {}
    settings = {**project_vars(Path(code_dir)), **of_run}
    readers = (settings.get("raw_readers") or {}).values()
    if is_remote(raw_data) or any("://" in str(one) or "{path}" not in str(one) for one in readers):
        return None
    files = _files_of_code(Path(code_dir))
    now = datetime.fromisoformat(started)
    if any(file.stat().st_mtime >= now.timestamp() for file in files.values()):
        return None
    privacy = privacy_directory(raw_data, project_dir=project_dir)
    files["suppression list"] = privacy / "suppression.csv"
    if weights := settings.get("identity_model"):
        files["weights of identity"] = project_dir / weights
    stamps = json.dumps(raw_file_stamps(raw_data, project_dir=project_dir))
    # Where the files lie is no part of what they hold.
    of_run = json.dumps({**of_run, "raw_data": None}, sort_keys=True)
    told = (stamps, of_run, run, now.date().isoformat(), *_libraries())
    secret = os.environ.get(SECRET_VARIABLE, "").strip()
    digest = hmac.new(secret.encode(), digestmod=hashlib.sha256)
    for part in (*told, *(os.environ.get(name, "") for name in ENVIRONMENT)):
        digest.update(hashlib.sha256(part.encode()).digest())
    for name, file in files.items():
        content = file.read_bytes() if file.is_file() else b""
        digest.update(hashlib.sha256(name.encode()).digest() + hashlib.sha256(content).digest())
    return digest.hexdigest()


def _files_of_code(project: Path) -> dict[str, Path]:
    """Every file that decides, by its name below its folder."""
    places = [(project, project / name) for name in CODE]
    package = Path(__file__).parent
    places.append((package.parent, package))
    return {
        file.relative_to(base).as_posix(): file
        for base, place in places
        for file in ([place] if place.is_file() else sorted(place.rglob("*")))
        if file.is_file() and "__pycache__" not in file.parts
    }


def _libraries() -> Iterator[str]:
    yield platform.python_version()
    yield from sorted({f"{package.name} {package.version}" for package in distributions()})
