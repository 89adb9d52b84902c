"""The compiled SQL of a build run again without dbt, to see what dbt itself costs.

    python benchmarks/_direct.py TARGET DATABASE

Creates every SQL model's table of the built warehouse once more in the schema ``direct``, one after
the other in the order in which dbt built them, and prints seconds as JSON. What a Python model made
is read as it stands.
"""

import json
import os
import sys
import time
from pathlib import Path

import duckdb
from _measured import results_of

from python_ext.input_check_plugin import Plugin


def main() -> None:
    """Run them all, and say how long it took."""
    target, database = Path(sys.argv[1]), sys.argv[2]
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    models = [
        result
        for result in sorted(results_of(target), key=lambda result: result["end"])
        if result["layer"] in ("staging", "intermediate", "ml", "marts")
        and result["language"] == "sql"
    ]
    seconds = {}
    # As in the build beside it: all cores, and the same limit of memory.
    limit = os.environ.get("SEGMENTATION_MEMORY_LIMIT")
    with duckdb.connect(database, config={"memory_limit": limit} if limit else {}) as connection:
        Plugin("input_check", {}).configure_connection(connection)
        connection.execute("create or replace schema direct")
        for model in models:
            started = time.perf_counter()
            sql = nodes[model["id"]]["compiled_code"]
            connection.execute(f"create table direct.{model['name']} as {sql}")
            seconds[model["name"]] = time.perf_counter() - started
            connection.execute(f"drop table direct.{model['name']}")
        connection.execute("drop schema direct")
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
