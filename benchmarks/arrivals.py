"""Day by day against all at once: whether every table is equal, and what a load costs.

The last ten days of a demo arrive one by one, with late, repeated and corrected rows, and are built
one by one; then everything is built anew in another warehouse. Exits with 1 where a table differs.

    python benchmarks/arrivals.py --customers 5000
    python benchmarks/arrivals.py --customers 5000 --runs    # hourly and daily beside a whole build
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb

from python_ext.settings import ARRIVING_TABLES, dataset_vars, raw_files
from python_ext.synth import generate

ROOT = Path(__file__).resolve().parents[1]
WANTED = [
    "+int_activity_days",
    "+int_category_days",
    "+int_attention_measured",
    "+int_web_use_measured",
    "+int_email_response_measured",
    "+int_records_quarantined",
]
BY_ARRIVAL = [
    "stg_web__events",
    "stg_email__events",
    "stg_shop__orders",
    "stg_shop__order_lines",
    "int_web_visits",
    "int_email_responses",
]
MODELS_ONLY = ["--resource-type", "model", "--resource-type", "seed"]


class Warehouse:
    """One warehouse, its raw data and what its last build took."""

    def __init__(self, folder: Path, raw: Path) -> None:
        self.folder, self.raw = folder, raw
        self.database = folder / "build.duckdb"
        folder.mkdir(parents=True, exist_ok=True)

    def build(self, *arguments: str, learns: bool = True) -> dict[str, float]:
        """Seconds of each model; `wall` and `cpu` of the whole command."""
        settings = dataset_vars(str(self.raw), project_dir=ROOT).vars
        if not learns:
            settings |= {"cutoffs": "score", "segments_refit": "never"}
        environment = {
            **os.environ,
            "SEGMENTATION_DATABASE": str(self.database),
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            "DBT_LOG_LEVEL_FILE": "none",
            "SEGMENTATION_PRIVACY_DIR": str(self.folder / "privacy"),
        }
        command = ["dbt", "--no-use-colors", "build", *arguments, "--vars", json.dumps(settings)]
        started, used = time.perf_counter(), _cpu()
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stdout[-3000:])
        results = json.loads((self.folder / "target" / "run_results.json").read_text())["results"]
        return {
            **{
                result["unique_id"].split(".")[-1]: result["execution_time"]
                for result in results
                if result["unique_id"].startswith("model.")
            },
            "wall": time.perf_counter() - started,
            "cpu": _cpu() - used,
        }


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def deliver(delivered: Path, here: Path, files: int) -> None:
    """Bring the dataset to where so many files of each event table have arrived."""
    if not here.exists():
        shutil.copytree(delivered, here)
        for table in ARRIVING_TABLES:
            for file in raw_files(here, table, "parquet"):
                file.unlink()
    for table in ARRIVING_TABLES:
        for file in raw_files(delivered, table, "parquet")[:files]:
            there = here / file.relative_to(delivered)
            if not there.exists():
                shutil.copy2(file, there)


def compare(one: Path, other: Path) -> tuple[int, list[str]]:
    """How many tables were compared, and those that differ but for the number of the load."""
    differing = []
    with duckdb.connect() as connection:
        connection.execute(f"attach '{one}' as one (read_only)")
        connection.execute(f"attach '{other}' as other (read_only)")
        tables = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where "
            "database_name = 'one' and schema_name in ('staging', 'intermediate', 'ml', 'marts') "
            "and table_name not in ('arrivals', 'ml_record_keys') order by all"
        ).fetchall()
        for (table,) in tables:
            first, second = (
                f"select columns(lambda name: name <> 'loaded_in') from {name}.{table}"
                for name in ("one", "other")
            )
            rows = connection.execute(
                f"select count(*) from (({first} except all {second}) "
                f"union all ({second} except all {first}))"
            ).fetchone()[0]
            if rows:
                differing.append(f"{table} ({rows} rows)")
    return len(tables), differing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=5_000)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--work", type=Path, default=Path("target/benchmarks/arrivals"))
    parser.add_argument("--runs", action="store_true", help="hourly and daily, not ten loads")
    options = parser.parse_args()
    shutil.rmtree(options.work, ignore_errors=True)
    work = options.work.resolve()
    work.mkdir(parents=True)
    generate(options.customers, 1, work / "delivered", arrivals=options.days)
    raw = work / "demo"
    by_load = Warehouse(work / "by_load", raw)
    if options.runs:
        _runs(by_load, work / "delivered", options.days)
        return
    deliver(work / "delivered", raw, 1)
    arguments = ["--select", " ".join(WANTED), *MODELS_ONLY]
    print(f"{options.customers:,} customers: models by arrival, all models, command (its CPU)")
    for files in range(1, options.days + 2):
        deliver(work / "delivered", raw, files)
        _tell(f"{files - 1} days", by_load.build(*arguments))
    _tell("nothing new", by_load.build(*arguments))
    at_once = Warehouse(work / "at_once", raw)
    _tell("everything", at_once.build(*arguments))
    tables, differing = compare(by_load.database, at_once.database)
    print(f"{tables} tables compared, {len(differing)} differ: {', '.join(differing) or 'none'}")
    sys.exit(bool(differing))


def _runs(warehouse: Warehouse, delivered: Path, days: int) -> None:
    """A whole build, a day later hourly and daily, and a day later a whole build again."""
    for files, run in [(days - 1, ""), (days, "hourly"), (days, "daily"), (days + 1, "retrain")]:
        deliver(delivered, warehouse.raw, files)
        selection = ["--selector", run] if run else []
        _tell(run or "first build", warehouse.build(*selection, learns=run in ("", "retrain")))


def _tell(what: str, took: dict[str, float]) -> None:
    heavy = sum(took.get(model, 0) for model in BY_ARRIVAL)
    models = sum(seconds for name, seconds in took.items() if name not in ("wall", "cpu"))
    print(
        f"{what:<15} {heavy:>8.1f} s {models:>8.1f} s {took['wall']:>8.1f} s ({took['cpu']:.1f} s)",
        flush=True,
    )


if __name__ == "__main__":
    main()
