"""Which raw files a build reads, and whether they are still those it began with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from python_ext.settings import is_remote


def raw_file_stamps(raw_data: str, *, project_dir: Path) -> dict[str, list[int]]:
    """Size and time of change of each file of a dataset.

    Parameters
    ----------
    raw_data : str
        Folder of the dataset, relative to ``project_dir``.
    project_dir : Path
        Folder of ``dbt_project.yml``.

    Returns
    -------
    dict
        ``{"shop/orders.parquet": [bytes, nanoseconds], …}`` in the order of the names; empty for
        an address, whose files are not looked at. Folders such as ``_truth`` are no source.
    """
    if is_remote(raw_data):
        return {}
    folder = project_dir / raw_data
    stamps = {}
    # A folder of arrivals may be a link to where they are delivered.
    for place, _, names in os.walk(folder, followlinks=True):
        below = Path(place).relative_to(folder)
        for file in (below / name for name in names) if below.parts else ():
            is_hidden = any(part.startswith(".") for part in file.parts)
            if is_hidden or file.parts[0].startswith("_") or not (folder / file).is_file():
                continue
            state = (folder / file).stat()
            stamps[file.as_posix()] = [state.st_size, state.st_mtime_ns]
    return dict(sorted(stamps.items()))


def changes(before: Mapping[str, list[int]], now: Mapping[str, list[int]]) -> str:
    """What happened to the files between two looks, in words; empty when nothing did.

    A new file in the folder of a table is the next arrival, which nobody reads in this build.
    """
    told = [f"{file} is gone" for file in before if file not in now]
    told += [f"{file} came in" for file in now if file not in before and file.count("/") < 2]
    told += [
        f"{file} was written again"
        for file in before
        if before[file] != now.get(file, before[file])
    ]
    return ", ".join(told)
