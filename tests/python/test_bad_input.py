"""A build on bad input says what is wrong and writes nothing."""

import shutil

import duckdb
import pytest
from conftest import run_dbt


@pytest.fixture(scope="module")
def bad_input(tmp_path_factory, demo_data):
    """A function that breaks a copy of the demo and says what a build makes of it."""

    def broken(name: str, breaks):
        folder = tmp_path_factory.mktemp(name)
        raw_data = folder / "data"
        shutil.copytree(demo_data, raw_data)
        breaks(raw_data)
        return run_dbt("build", folder=folder / "build", raw_data=raw_data)

    return broken


def rewrite(file, query: str) -> None:
    """Replace a Parquet file by a query over it."""
    other = file.with_suffix(".next")
    with duckdb.connect() as connection:
        connection.execute(f"copy ({query.format(file=file)}) to '{other}' (format parquet)")
    other.rename(file)


CASES = {
    "missing_file": (
        lambda raw: (raw / "crm" / "customers.parquet").unlink(),
        ["crm/customers.parquet", "missing"],
    ),
    "truncated_file": (
        lambda raw: (raw / "shop" / "orders.parquet").write_bytes(
            (raw / "shop" / "orders.parquet").read_bytes()[:500]
        ),
        ["shop/orders.parquet"],
    ),
    "missing_column": (
        lambda raw: rewrite(
            raw / "shop" / "order_lines.parquet",
            "select * exclude (unit_price), unit_price as unitprice from '{file}'",
        ),
        ["shop/order_lines.parquet", "unit_price", "unitprice"],
    ),
    "wrong_type": (
        lambda raw: rewrite(
            raw / "shop" / "orders.parquet",
            "select * replace ('yesterday' as ordered_at) from '{file}'",
        ),
        ["shop/orders.parquet", "ordered_at", "yesterday"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_stops_the_build_before_anything_is_written(case, bad_input):
    breaks, words = CASES[case]
    build = bad_input(case, breaks)
    assert build.returncode != 0
    for word in words:
        assert word in build.output, build.output[-3000:]
    assert "Traceback" not in build.output
    assert build.rows("select count(*) from duckdb_tables()") == [(0,)]


def test_without_a_secret_nothing_is_built(tmp_path, demo_data):
    build = run_dbt(
        "build",
        folder=tmp_path,
        raw_data=demo_data,
        variables={"demo_secret_allowed": False},
        env={"SEGMENTATION_SECRET": ""},
    )
    assert build.returncode != 0
    assert "SEGMENTATION_SECRET" in build.output and "Traceback" not in build.output
    assert build.rows("select count(*) from duckdb_tables()") == [(0,)]


def test_a_currency_without_a_rate_stops_the_build(tmp_path, demo_data):
    build = run_dbt(
        "build", folder=tmp_path, raw_data=demo_data, variables={"base_currency": "SEK"}
    )
    assert build.returncode != 0 and "base_currency is SEK" in build.output
    assert build.rows("select count(*) from duckdb_tables()") == [(0,)]


@pytest.mark.parametrize(
    "command", [("build",), ("run",), ("build", "--select", "+audience_members")]
)
def test_settings_of_an_hourly_run_build_nothing_that_learns(tmp_path, demo_data, command):
    """Or models would learn from no earlier cutoff, and their empty judgement be published."""
    build = run_dbt(*command, folder=tmp_path, raw_data=demo_data, variables={"cutoffs": "score"})
    assert build.returncode != 0
    assert "of a run that learns nothing" in build.output and "Nothing was written" in build.output
    assert not build.rows("select table_name from duckdb_tables() where schema_name = 'staging'")
