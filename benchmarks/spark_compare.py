"""The same dataset built on DuckDB and on a Spark cluster, every mart compared.

Starts a master, two workers and a Connect server on loopback (`_spark_cluster.py`), generates the
demo where it is not there, builds it on both engines and compares the marts: keys and texts must
be equal, numbers within 1e-6 of each other. Then it reads Spark's event log for the stages that
ran a function of Python over rows (`MapInPandas`) and names the executors that ran them. Exits with
1 if a mart differs or no executor scored. What was started is stopped in any case.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pandas as pd
from _engines_compared import compare_tables, keyed_tables
from _spark_cluster import ROOT, Cluster, cluster

TAG = re.compile(r"(ml|staging)\.[a-z_0-9]+")


def run(command: list[str], environment: dict[str, str], log: Path) -> float:
    """Run a command with its output in a file; returns seconds.

    Raises
    ------
    RuntimeError
        If it fails; the message holds the end of its output.
    """
    started = time.perf_counter()
    with log.open("w") as output:
        done = subprocess.run(
            command, env=environment, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        )
    if done.returncode:
        failed = [
            line for line in log.read_text().splitlines() if "ERROR" in line or "rror:" in line
        ]
        shown = "\n".join(line[:300] for line in failed[-20:]) or log.read_text()[-2000:]
        raise RuntimeError(f"{' '.join(command[:4])} failed, see {log}:\n{shown}")
    return time.perf_counter() - started


def build(target: str, variables: str, work: Path, select: list[str], **places: str) -> float:
    """`dbt build` of all models and seeds for a target; returns seconds."""
    environment = {
        **os.environ,
        "DBT_PROFILES_DIR": str(ROOT),
        "DBT_TARGET_PATH": str(work / f"dbt_{target}"),
        "DBT_LOG_PATH": str(work / f"dbt_{target}"),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        **places,
    }
    command = ["dbt", "--no-use-colors", "build", "--target", target, "--vars", variables]
    command += [
        "--exclude-resource-type",
        "test",
        "unit_test",
        *(["--select", *select] * bool(select)),
    ]
    return run(command, environment, work / f"{target}.log")


def executor_evidence(events: Path) -> pd.DataFrame:
    """Stages that ran `MapInPandas`, by table written: tasks and rows on each executor.

    Read from the event logs of Spark: a stage lists the operators of its rows, a task the executor.
    """
    tasks: Counter = Counter()
    rows: Counter = Counter()
    for log in sorted(events.iterdir()):
        tables: dict[int, str] = {}
        for line in log.open(encoding="utf-8"):
            event = json.loads(line)
            kind = event["Event"].rsplit(".", 1)[-1]
            if kind == "SparkListenerJobStart":
                found = TAG.search(event.get("Properties", {}).get("spark.job.tags", ""))
                name = found[0] if found else "?"
                for stage in event["Stage Infos"]:
                    scopes = [rdd.get("Scope") or "{}" for rdd in stage["RDD Info"]]
                    if any(json.loads(scope).get("name") == "MapInPandas" for scope in scopes):
                        tables[stage["Stage ID"]] = name
            elif kind == "SparkListenerTaskEnd" and event["Stage ID"] in tables:
                info, metrics = event["Task Info"], event.get("Task Metrics") or {}
                key = (tables[event["Stage ID"]], info["Executor ID"], info["Host"])
                tasks[key] += 1
                rows[key] += metrics.get("Output Metrics", {}).get("Records Written", 0)
    return pd.DataFrame(
        [(*key, count, rows[key]) for key, count in sorted(tasks.items())],
        columns=["table", "executor", "host", "tasks", "rows written"],
    )


def show(found: pd.DataFrame) -> None:
    """Print the table of marts."""
    heads = ("duckdb", "spark", "keys apart", "cells", "differ")
    print(f"{'mart':34}" + "".join(f"{head:>11}" for head in heads) + "  largest gap")
    for row in found.to_dict("records"):
        print(
            f"{row['table']:34}"
            + "".join(f"{row[head]:11}" for head in heads)
            + f"  {row['largest gap']:.0e}"
            + "".join(f"  {column} ({count})" for column, count in row["columns"].items())
        )


def main() -> int:
    """Build twice, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path("target/spark_compare"))
    parser.add_argument(
        "--select", nargs="*", default=[], help="models, as dbt selects; all if none"
    )
    parser.add_argument(
        "--without-connect", action="store_true", help="dbt is the driver of the cluster itself"
    )
    options = parser.parse_args()
    work = options.work.absolute()
    work.mkdir(parents=True, exist_ok=True)
    raw = work / f"demo_{options.customers}_{options.seed}"
    if not raw.exists():
        size = ["--customers", str(options.customers), "--seed", str(options.seed)]
        command = ["segmentation", "datasets", "generate", *size, "--out", str(raw)]
        run(command, dict(os.environ), work / "generate.log")
    variables = subprocess.run(
        ["segmentation", "vars", "--raw-data", str(raw)], check=True, capture_output=True, text=True
    ).stdout
    database, home = work / "duckdb.duckdb", work / "spark"
    database.unlink(missing_ok=True)
    subprocess.run(["rm", "-rf", str(home)], check=True)
    seconds = build("dev", variables, work, options.select, SEGMENTATION_DATABASE=str(database))
    print(f"DuckDB: {seconds:.0f} s")
    with cluster(home, connect=not options.without_connect) as started:
        on_cluster(started, variables, work, options.select)
    keys = keyed_tables(work / "dbt_spark" / "manifest.json", "marts")
    if options.select:
        made = {f"marts.{folder.name}" for folder in (home / "warehouse" / "marts.db").glob("*")}
        keys = {table: key for table, key in keys.items() if table in made}
    found = compare_tables(database, home / "warehouse", keys)
    show(found)
    evidence = executor_evidence(home / "events")
    print("\nWhere functions of Python ran over rows:")
    print(evidence.to_string(index=False))
    apart = found[(found["keys apart"] > 0) | (found["differ"] > 0)]
    scored = evidence[evidence["executor"] != "driver"]["executor"].nunique()
    print(f"\n{len(found) - len(apart)} of {len(found)} marts equal; {scored} executors scored")
    return int(len(apart) > 0 or scored == 0)


def on_cluster(started: Cluster, variables: str, work: Path, select: list[str]) -> None:
    """Build on the cluster and say how long it took."""
    seconds = build(
        "spark",
        variables,
        work,
        select,
        SPARK_URL=started.address,
        SPARK_HOME_FOLDER=str(started.home),
        SPARK_CONF_DIR=str(started.home / "conf"),
        SPARK_LOCAL_IP="127.0.0.1",
    )
    print(f"Spark at {started.address}: {seconds:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
