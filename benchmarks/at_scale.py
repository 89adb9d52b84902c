"""The whole build at 10,000, 100,000 and 1,000,000 customers, beside other programs: RESULTS.md.

    python benchmarks/at_scale.py --python-of-others target/benchmarks/env/bin/python

For each number of customers the demo is generated and delivered as a folder of arrivals, the last
two days held back. Then, in stages: a full build with all data tests (wall time per layer, peak
memory, rows a second), the same compiled SQL without dbt, the other programs on the same rows (what
the pandas script finds is compared row by row), one more day by the daily run and another by the
hourly run. What was measured is kept in the work folder after each stage and not measured again,
unless ``--again`` is given; ``--keep`` lets further stages follow later.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
from _beside import (
    PANDAS_MODELS,
    RFM_MODELS,
    build,
    classic,
    direct,
    export,
    lifetimes,
    own_seconds,
    pandas_script,
    retail_science,
)
from _measured import (
    LAYERS,
    ROOT,
    covered,
    loop_seconds,
    machine,
    program,
    results_of,
    run,
    state_of_code,
)
from _results import write_results

EVENTS = {
    "shop/orders": "ordered_at",
    "web/events": "event_at",
    "email/events": "event_at",
}
DAYS = 2
STAGES = ("full", "direct", "beside", "daily", "hourly")
TESTED = ["--exclude-resource-type", "unit_test"]
# With all tests, unit tests too, as a person builds after a change.
SMALL = 5_000


def generate(customers: int, folder: Path) -> None:
    """The plain demo of a size, where it is not there yet."""
    if not (folder / "shop" / "orders.parquet").is_file():
        command = ["datasets", "generate", "--customers", str(customers), "--seed", "1"]
        run([program("segmentation"), *command, "--out", str(folder)])


def deliver(plain: Path, raw: Path, held: Path) -> list[date]:
    """Lay the plain demo out as arrivals; the last days stand aside in ``held``. Returns them."""
    for folder in (raw, held):
        shutil.rmtree(folder, ignore_errors=True)
    with duckdb.connect() as connection:
        last = connection.execute(
            f"select cast(max(ordered_at) as date) from '{plain}/shop/orders.parquet' "
            # Some planted rows lie far in the future.
            "where ordered_at < current_timestamp::timestamp"
        ).fetchone()[0]
        days = [last - timedelta(days=number) for number in reversed(range(DAYS))]
        for path in sorted(path for path in plain.rglob("*") if path.is_file()):
            name = path.relative_to(plain).with_suffix("").as_posix()
            if name not in (*EVENTS, "shop/order_lines"):
                (raw / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, raw / path.relative_to(plain))
                continue
            rows = f"select * from '{path}'"
            moment = f"cast({EVENTS.get(name)} as date)"
            if name == "shop/order_lines":
                rows = (
                    f"select lines.*, cast(ordered_at as date) as day from '{path}' as lines "
                    f"left join (select order_id, min(ordered_at) as ordered_at "
                    f"from '{plain}/shop/orders.parquet' group by order_id) using (order_id)"
                )
                moment = "day"
            for folder, file, condition in (
                (raw, "start", f"coalesce({moment} not in ('{days[0]}', '{days[1]}'), true)"),
                *((held, day, f"{moment} = '{day}'") for day in days),
            ):
                (folder / name).mkdir(parents=True, exist_ok=True)
                columns = "* exclude (day)" if moment == "day" else "*"
                connection.execute(
                    f"copy (select {columns} from ({rows}) where {condition}) "
                    f"to '{folder}/{name}/{'0000-' if file == 'start' else ''}{file}.parquet'"
                )
    return days


def arrive(day: str, raw: Path, held: Path) -> None:
    """One more day of every event table."""
    for path in sorted(held.rglob(f"{day}.parquet")):
        shutil.move(path, raw / path.relative_to(held))


def layers_of(target: Path, database: Path) -> dict[str, dict]:
    """Seconds, rows and the slowest models of each layer; tests as a layer of their own."""
    results = results_of(target)
    found = {}
    with duckdb.connect(str(database), read_only=True) as warehouse:
        rows = dict(
            warehouse.execute(
                "select schema_name || '.' || table_name, estimated_size from duckdb_tables()"
            ).fetchall()
        )
    for layer in (*LAYERS, "tests"):
        mine = [result for result in results if result["layer"] == layer]
        spans = [(result["start"], result["end"]) for result in mine]
        slowest = sorted(mine, key=lambda result: result["start"] - result["end"])[:8]
        found[layer] = {
            "nodes": len(mine),
            "seconds": covered(spans),
            "rows": sum(rows.get(f"{layer}.{result['name']}", 0) for result in mine),
            "slowest": [[one["name"], one["end"] - one["start"]] for one in slowest],
        }
    return found


def seconds_of(target: Path, names: tuple[str, ...]) -> float:
    """Seconds of some models, one after the other."""
    return sum(one["end"] - one["start"] for one in results_of(target) if one["name"] in names)


class Measured:
    """Everything at one size, a stage after the other; ``found`` is kept after each.

    A stage that is there is not measured again. Where one was broken off, the size begins anew:
    what it left half done would make it look cheaper.
    """

    def __init__(self, customers: int, options: argparse.Namespace, found: dict) -> None:
        self.customers, self.options, self.found = customers, options, found
        self.work = options.work / str(customers)
        self.raw, self.held, self.target = (self.work / n for n in ("raw", "held", "target"))
        self.database = self.work / "warehouse.duckdb"
        self.plain = (options.data or options.work) / f"bench_{customers}"

    def measure(self, keep: Callable[[], None]) -> None:
        """Every stage that is asked for, at this size."""
        if self.options.again or "begun" in self.found:
            self.found.clear()
        done = self.found.setdefault("done", [])
        for name in self._stages():
            if name in done:
                continue
            if name != "full" and not ("full" in done and self.database.is_file()):
                say(f"{name} of {self.customers:,} customers: left out, no full build was kept")
                continue
            self.found["begun"] = name
            keep()
            self.found.update(getattr(self, f"_{name}")())
            when = {key: self.options.circumstances[key] for key in ("date", "state")}
            self.found.setdefault("measured", {})[name] = when
            done.append(name)
            del self.found["begun"]
            keep()
        if not self.options.keep:
            shutil.rmtree(self.raw, ignore_errors=True)
            self.database.unlink(missing_ok=True)

    def _stages(self) -> list[str]:
        most = {"direct": self.options.most_direct, "beside": self.options.most_beside}
        asked = [name for name in STAGES if name in self.options.stages]
        return [name for name in asked if self.customers <= most.get(name, self.customers)]

    def _full(self) -> dict:
        say(f"{self.customers:,} customers: generating")
        generate(self.customers, self.plain)
        days = deliver(self.plain, self.raw, self.held)
        self.database.unlink(missing_ok=True)
        found: dict = {"customers": self.customers, **self.options.circumstances}
        found["days"] = [day.isoformat() for day in days]
        with duckdb.connect() as connection:
            for name in ("shop/orders", "shop/order_lines", "web/events", "email/events"):
                query = f"select count(*) from '{self.plain}/{name}.parquet'"
                found[name] = connection.execute(query).fetchone()[0]
        say("full build")
        full = build(self.raw, self.database, self.target, TESTED, self.options.threads)
        say(f"full build took {full.seconds:.0f} s")
        found["full"] = full.to_dict()
        found["layers"] = layers_of(self.target, self.database)
        spans = [(result["start"], result["end"]) for result in results_of(self.target)]
        found["idle"] = full.seconds - covered(spans)
        found["warehouse_gigabytes"] = self.database.stat().st_size / 1e9
        return found

    def _direct(self) -> dict:
        say("the same SQL without dbt")
        own = [
            result["name"]
            for result in results_of(self.target)
            if result["layer"] in LAYERS and result["language"] == "sql"
        ]
        # Models built by arrival as well make all of their rows, as their SQL does alone.
        once = ["--full-refresh", *TESTED, "--exclude-resource-type", "test", "--select", *own]
        alone = build(self.raw, self.database, self.work / "direct", once, 1)
        apart = sum(direct(self.target, self.database).values())
        return {"sql_by_dbt": alone.seconds, "sql_direct": apart}

    def _beside(self) -> dict:
        say("other programs")
        exported, python = self.work / "exported", self.options.python_of_others
        as_of = export(self.database, exported)
        spent, told = pandas_script(self.database, exported)
        ours = seconds_of(self.target, PANDAS_MODELS)
        found = {"pandas": {"seconds": own_seconds(spent), "equal": told, "ours": ours}}
        if python:
            spent = retail_science(exported, as_of, python)
            ours = seconds_of(self.target, RFM_MODELS)
            found["openretailscience"] = {"seconds": own_seconds(spent), "ours": ours}
        shutil.rmtree(exported)
        return found

    def _daily(self) -> dict:
        return self._one_more_day("daily", self.found["days"][0])

    def _hourly(self) -> dict:
        return self._one_more_day("hourly", self.found["days"][1])

    def _one_more_day(self, selector: str, day: str) -> dict:
        say(f"one more day by the {selector} run")
        arrive(day, self.raw, self.held)
        target, asked = self.work / selector, ["--selector", selector]
        again = build(
            self.raw, self.database, target, asked, self.options.threads, run_name=selector
        )
        return {selector: {**again.to_dict(), "layers": layers_of(target, self.database)}}


def settings(threads: int, memory_limit: str) -> str:
    """What a build was given, in words."""
    return f"{threads} models at a time, DuckDB's memory limited to {memory_limit}"


def measure_small(options: argparse.Namespace) -> dict:
    """A build of ``SMALL`` customers with all tests, four models or tests at a time."""
    work = options.work / "small"
    work.mkdir(exist_ok=True)
    plain = (options.data or options.work) / f"bench_{SMALL}"
    generate(SMALL, plain)
    database = work / "warehouse.duckdb"
    database.unlink(missing_ok=True)
    found = build(plain, database, work / "target", [], 4).to_dict()
    shutil.rmtree(work)
    told = {**options.circumstances, "settings": settings(4, options.memory_limit)}
    return {"customers": SMALL, **told, **found}


def say(text: str) -> None:
    """Progress, for this takes long."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Measure what is not measured yet, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--work", type=Path, default=Path("target/benchmarks/scale"))
    parser.add_argument("--data", type=Path, help="folder with bench_N made before")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "RESULTS.md")
    parser.add_argument("--python-of-others", help="Python with openretailscience and matplotlib")
    parser.add_argument("--threads", type=int, default=2, help="models at a time")
    parser.add_argument("--memory-limit", default="4GB", help="memory of DuckDB")
    parser.add_argument("--most-beside", type=int, default=100_000)
    parser.add_argument("--most-direct", type=int, default=1_000_000)
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--again", action="store_true", help="measure what is measured already")
    parser.add_argument("--page", action="store_true", help="only write what was measured before")
    parser.add_argument("--keep", action="store_true", help="keep warehouses and raw data")
    parser.add_argument("--remark", default="", help="what else the machine did meanwhile")
    options = parser.parse_args()
    os.environ["SEGMENTATION_MEMORY_LIMIT"] = options.memory_limit
    options.work = options.work.absolute()
    options.work.mkdir(parents=True, exist_ok=True)
    kept = options.work / "measured.json"
    found = json.loads(kept.read_text()) if kept.is_file() else {}

    # Of each size by itself: sizes may be measured on several days.
    options.circumstances = {
        "date": date.today().isoformat(),
        "machine": machine(),
        "loop_seconds": loop_seconds(),
        "settings": settings(options.threads, options.memory_limit),
        "state": state_of_code(),
        "remark": options.remark,
    }

    def keep() -> None:
        kept.write_text(json.dumps(found, indent=1))

    for customers in options.customers if not options.page else ():
        Measured(customers, options, found.setdefault(str(customers), {})).measure(keep)
    if not options.page and (options.again or "small" not in found):
        say(f"{SMALL:,} customers with all tests")
        found["small"] = measure_small(options)
        keep()
    if not options.page and (options.again or "classic" not in found):
        say("the classic script")
        found["classic"] = classic()
        keep()
    if not options.page and (options.again or "lifetimes" not in found):
        say("lifetimes")
        found["lifetimes"] = lifetimes(max(options.customers))
        keep()
    write_results(found, options.out, options.python_of_others)
    print(f"Wrote {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
