"""Tables that are built by arrival: what was built load by load is what is built at once."""

import json
import shutil
from pathlib import Path

import duckdb
import pytest
from conftest import Build, run_dbt

from python_ext.settings import ARRIVING_TABLES, raw_files
from python_ext.synth import generate

BY_ARRIVAL = {
    "staging.stg_web__events": "event_id",
    "staging.stg_email__events": "event_id",
    "staging.stg_shop__orders": "order_id",
    "staging.stg_shop__order_lines": "order_id",
    "intermediate.int_web_visits": "visitor_id",
    "intermediate.int_email_responses": "customer_id",
}
MODELS = " ".join(table.split(".")[1] for table in BY_ARRIVAL)


@pytest.fixture(scope="module")
def delivered(tmp_path_factory) -> Path:
    """A demo whose last ten days arrived one by one."""
    folder = tmp_path_factory.mktemp("delivered") / "demo"
    generate(customers=200, seed=3, out=folder, arrivals=10)
    return folder


def deliver(delivered: Path, here: Path, files: int) -> Path:
    """The dataset as it was when so many files of each event table had arrived."""
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
    return here


def build(folder: Path, raw_data: Path, *arguments: str, **settings) -> Build:
    built = run_dbt(
        "run", "--select", MODELS, *arguments, folder=folder, raw_data=raw_data, **settings
    )
    assert built.returncode == 0, built.output[-3000:]
    return built


def build_first(folder: Path, raw_data: Path) -> Build:
    """The models with all they read: seeds and tables that are no arrivals."""
    arguments = ("--select", *(f"+{model}" for model in MODELS.split()))
    kinds = ("--resource-type", "model", "--resource-type", "seed")
    built = run_dbt("build", *arguments, *kinds, folder=folder, raw_data=raw_data)
    assert built.returncode == 0, built.output[-3000:]
    return built


def differences(one: Build, other: Build) -> dict[str, tuple[int, int]]:
    """Rows of either that the other lacks, in every table in which they differ."""
    found = {}
    with duckdb.connect() as connection:
        connection.execute(f"attach '{one.database}' as one (read_only)")
        connection.execute(f"attach '{other.database}' as other (read_only)")
        for table in BY_ARRIVAL:
            rows = "(select * exclude (loaded_in) from {0}." + table + ")"
            lacking = tuple(
                connection.execute(
                    f"select count(*) from ({rows.format(a)} except all {rows.format(b)})"
                ).fetchone()[0]
                for a, b in (("one", "other"), ("other", "one"))
            )
            if lacking != (0, 0):
                found[table] = lacking
    return found


def rebuilt(built: Build) -> list[str]:
    return sorted(
        line.split("  ")[-1] for line in built.output.splitlines() if "as a whole" in line
    )


@pytest.fixture(scope="module")
def by_load(delivered, tmp_path_factory) -> tuple[Build, Path]:
    """Ten days in four loads; `benchmarks/arrivals.py` does each day, over all tables."""
    folder = tmp_path_factory.mktemp("by_load")
    raw = deliver(delivered, folder / "raw", 1)
    built = build_first(folder, raw)
    for files in (2, 3, 6, 11):
        built = build(folder, deliver(delivered, raw, files))
        assert rebuilt(built) == []
    return built, raw


@pytest.fixture(scope="module")
def at_once(delivered, tmp_path_factory) -> Build:
    return build_first(tmp_path_factory.mktemp("at_once"), delivered)


def test_loads_one_after_the_other_equal_one_of_everything(by_load, at_once):
    assert differences(by_load[0], at_once) == {}


def test_the_loads_held_what_could_go_wrong(by_load):
    """Rows that came again, rows that came otherwise, rows that came late: in every table."""
    for table, key in BY_ARRIVAL.items():
        date = "ordered_at" if "order" in table else "event_at"
        repeated = by_load[0].rows(
            f"select count(*) from {table} where occurrence > 1 and loaded_in > 1"
        )[0][0]
        assert repeated > 5, table
        if "line" not in table:
            late = by_load[0].rows(
                f"select count(*) from {table} where occurrence = 1 and cast({date} as date) "
                "< cast(regexp_extract(source_file, '....-..-..') as date)"
            )[0][0]
            assert late > 5, table
        # What is written once stays.
        kept = by_load[0].rows(f"select count(*) from {table} where loaded_in = 1")[0][0]
        assert kept > by_load[0].rows(f"select count(*) from {table}")[0][0] / 2, table
    assert json
