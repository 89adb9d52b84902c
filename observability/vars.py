"""Print the dbt vars of an observed build, as JSON: the dataset's own, and the time to judge from.

elementary judges the last days before now. A dataset that is a finished piece of history (the
demo, a public dataset) has nothing there, so it is judged from the end of its own time. Data of
one's own is judged from now: a load that stopped must show.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import duckdb

from python_ext.settings import dataset_vars, project_root


def observed_vars(raw_data: str, database: Path, *, at: str | None = None) -> dict[str, Any]:
    """The vars of a dataset for a build that elementary watches.

    Parameters
    ----------
    raw_data : str
        Folder or address of the dataset.
    database : Path
        Its warehouse; an earlier build in it tells when a finished dataset ends.
    at : str, optional
        The day (ISO) to judge from, for a finished dataset of one's own.

    Returns
    -------
    dict
        For ``dbt --vars``; ``custom_run_started_at`` is elementary's var for the time of a run.
    """
    settings = dataset_vars(raw_data, project_dir=project_root()).vars
    is_finished = settings["demo_secret_allowed"]  # public or synthetic, and nothing else
    day = at or (settings.get("as_of_date") or _as_of_date(database) if is_finished else None)
    if day is None:
        return settings
    return {**settings, "custom_run_started_at": f"{day}T00:00:00+00:00"}


def _as_of_date(database: Path) -> str | None:
    """The day an earlier build looked from."""
    if not database.is_file():
        return None
    with duckdb.connect(str(database), read_only=True) as connection:
        try:
            row = connection.execute(
                "select cast(max(as_of_date) as varchar) from intermediate.int_as_of_date"
            ).fetchone()
        except duckdb.CatalogException:
            return None
    return row[0]


def main() -> None:
    """Read the arguments and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--raw-data", required=True, help="folder or address of the dataset")
    parser.add_argument("--database", required=True, type=Path, help="warehouse of the dataset")
    parser.add_argument("--at", help="day to judge from (YYYY-MM-DD)  [default: see above]")
    arguments = parser.parse_args()
    found = observed_vars(arguments.raw_data, arguments.database, at=arguments.at or None)
    print(json.dumps(found, ensure_ascii=False))


if __name__ == "__main__":
    main()
