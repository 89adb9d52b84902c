"""The distribution audit: planted moves between two loads, and PSI against numpy."""

import json
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pytest
from conftest import PROJECT, Build, run_dbt
from scipy import stats
from test_bad_input import rewrite

from python_ext import quality
from python_ext.lineage import read_lineage
from python_ext.synth import generate

SELECTED = ("--select", "+quality_audit")

# What the second load changes, and the one thing the audit must say about it.
PLANTED = {
    ("shop", "order_lines", "unit_price", "distribution"): (
        "shop/order_lines",
        "select * replace (unit_price * 1.6 as unit_price) from '{file}'",
    ),
    ("web", "events", "device", "distribution"): (
        "web/events",
        "select * replace (case when device = 'tablet' then 'console' else device end as device) "
        "from '{file}'",
    ),
    ("shop", "orders", "channel", "null_share"): (
        "shop/orders",
        "select * replace (case when hash(order_id) % 4 = 0 then null else channel end as channel) "
        "from '{file}'",
    ),
    ("survey", "responses", "(table)", "table_rows"): (
        "survey/responses",
        "select * from '{file}' where hash(response_id) % 2 = 0",
    ),
    ("external", "area_statistics", "unemployment_rate", "q99"): (
        "external/area_statistics",
        "select * replace (case when row_number() over (order by country, postcode_prefix) <= 3 "
        "then 7.5 else unemployment_rate end as unemployment_rate) from '{file}'",
    ),
}


def build(folder: Path, raw: Path, *, alone: bool = False, **variables) -> Build:
    result = run_dbt(
        *("build", *SELECTED), folder=folder, raw_data=raw, variables=variables, alone=alone
    )
    assert result.returncode == 0, result.output[-3000:]
    return result


@pytest.fixture(scope="module")
def loads(tmp_path_factory) -> dict[str, Build]:
    """Load 1, load 1 again, a changed load 2, load 2 again; each with its own copy of the file."""
    folder = tmp_path_factory.mktemp("loads")
    raw = folder / "raw"
    generate(customers=600, seed=11, out=raw)
    builds = {}

    def keep(name: str) -> None:
        built = build(folder / "build", raw, alone=name.endswith("again"))
        copy = folder / name
        copy.mkdir()
        shutil.copyfile(built.database, copy / "build.duckdb")
        builds[name] = Build(copy, raw, built.returncode, built.output)

    keep("first")
    keep("first again")
    for table, query in PLANTED.values():
        rewrite(raw / f"{table}.parquet", query)
    keep("second")
    keep("second again")
    return builds


def moved(load: Build) -> set[tuple]:
    return set(
        load.rows(
            "select source_name, table_name, column_name, measure from marts.quality_audit "
            "where verdict in ('moderate', 'major', 'out_of_range')"
        )
    )


def test_the_first_load_has_nothing_to_be_compared_with(loads):
    assert loads["first"].rows("select distinct verdict from marts.quality_audit") == [
        ("first_load",)
    ]
    assert "WARNING" not in loads["first"].output


def test_exactly_the_planted_moves_are_named(loads):
    assert moved(loads["second"]) == set(PLANTED)


def test_the_build_warns_of_each_move_in_words(loads):
    said = [line for line in loads["second"].output.splitlines() if "WARNING" in line]
    for source, table, column, _ in PLANTED:
        name = f"{source}.{table}" + ("" if column == "(table)" else f".{column}")
        assert sum(f"{name}, " in line for line in said) == 1, said
    assert any("new: console, vanished: tablet" in line for line in said)
    assert any("is 7.5, over the most of 1.0: a rate is at most 1" in line for line in said)


def test_the_same_load_again_adds_nothing_and_is_still_compared_with_the_one_before(loads):
    history = "from intermediate.int_load_history order by all"
    audit = "from marts.quality_audit order by all"
    for name in ("first", "second"):
        for query in (history, audit):
            assert loads[name].rows(query) == loads[f"{name} again"].rows(query)
    count = "select load_number, count(*) > 100 from intermediate.int_load_history group by 1"
    assert sorted(loads["second again"].rows(count)) == [(1, True), (2, True)]


def test_psi_of_sql_is_that_of_numpy(loads):
    rows = loads["second"].rows(
        "select source_name || table_name || column_name, bucket, load_number, value "
        "from intermediate.int_load_history where measure in ('bucket', 'category')"
    )
    counts: dict[str, dict[str, list[float]]] = {}
    for column, bucket, load, value in rows:
        counts.setdefault(column, {}).setdefault(bucket, [0.0, 0.0])[load - 1] = value
    found = loads["second"].rows(
        "select source_name || table_name || column_name, psi, psi_limit from marts.quality_audit "
        "where measure = 'distribution'"
    )
    assert len(found) == len(counts) > 20
    for column, psi, limit in found:
        before, now = np.array(list(counts[column].values())).T
        assert psi == pytest.approx(quality.population_stability(now, before), abs=1e-8)
        expected = quality.stability_limit(now.sum(), before.sum(), len(now), z=3.09)
        assert limit == pytest.approx(expected, rel=0.08)


def test_buckets_and_quantiles_of_sql_are_those_of_numpy(loads):
    with duckdb.connect(str(loads["second"].database), read_only=True) as connection:
        prices = connection.sql("select unit_price from staging.stg_shop__order_lines").df()
    prices = prices["unit_price"].to_numpy()
    known = prices[prices != 0]
    bucket = np.sign(known) * (np.floor(4 * np.log2(np.abs(known)) + 1e-6) + 41)
    names, numbers = np.unique(bucket, return_counts=True)
    expected = dict(zip(names.astype(int).astype(str), numbers, strict=True))
    expected["0"] = len(prices) - len(known)
    where = "where column_name = 'unit_price' and load_number = 2"
    found = loads["second"].rows(
        f"select bucket, value from intermediate.int_load_history {where} and measure = 'bucket'"
    )
    assert dict(found) == expected
    for share in (1, 25, 50, 99):
        found = loads["second"].rows(
            f"select value from intermediate.int_load_history {where} and measure = 'q{share:02d}'"
        )
        assert found[0][0] == pytest.approx(np.quantile(prices, share / 100))


def test_psi_by_hand_and_its_limit_by_simulation():
    even = quality.population_stability(np.array([500, 500]), np.array([500, 500]))
    assert even == 0
    shifted = quality.population_stability(np.array([7e6, 3e6]), np.array([5e6, 5e6]))
    assert shifted == pytest.approx(0.2 * np.log(1.4) - 0.2 * np.log(0.6), rel=1e-5)
    rng = np.random.default_rng(4)
    shares = rng.dirichlet(np.full(12, 5.0))
    draws = rng.multinomial(4000, shares, size=4000), rng.multinomial(9000, shares, size=4000)
    psi = [quality.population_stability(now, before) for now, before in zip(*draws, strict=True)]
    limit = quality.stability_limit(4000, 9000, 12, z=stats.norm.isf(0.02))
    assert np.mean(np.array(psi) > limit) == pytest.approx(0.02, abs=0.008)


def test_the_lineage_follows_a_history_that_reads_itself(demo_build):
    manifest = json.loads((demo_build.target / "manifest.json").read_text())
    before = read_lineage(manifest, PROJECT)
    node = manifest["nodes"]["model.customer_segmentation.int_load_history"]
    node["compiled_code"] += (
        f" where load_number > (select max(load_number) from {node['relation_name']})"
    )
    assert read_lineage(manifest, PROJECT).columns == before.columns


def test_no_personal_data_and_no_rare_category_is_profiled(loads):
    columns = {
        row[0]
        for row in loads["second"].rows(
            "select distinct column_name from intermediate.int_load_history"
        )
    }
    assert {"gender", "country_code", "unit_price", "ordered_at"} <= columns
    personal = {"email", "phone", "first_name", "last_name", "address", "postcode", "city"}
    assert not columns & (personal | {"birth_date", "birth_on", "household_income", "guest_email"})
    assert not [name for name in columns if name.endswith("_id")]
    rare = loads["second"].rows(
        "select count(*) from intermediate.int_load_history "
        "where measure = 'category' and bucket <> 'other' and value < 10"
    )
    assert rare == [(0,)]


def test_a_large_table_is_sampled_by_hash_and_looks_the_same(loads, tmp_path):
    sampled = build(tmp_path / "build", loads["second"].raw_data, audit_sample_rows=4000)
    figures = (
        "select measure, value from intermediate.int_load_history where table_name = 'events' "
        "and source_name = 'web' and column_name = 'engagement_seconds' and load_number = {} "
        "and measure in ('profiled_rows', 'q25', 'q50', 'null_share')"
    )
    whole, part = (
        dict(loads["second"].rows(figures.format(2))),
        dict(sampled.rows(figures.format(1))),
    )
    assert 1000 < part["profiled_rows"] < 6000 < whole["profiled_rows"]
    assert part["q50"] == pytest.approx(whole["q50"], rel=0.15)
    assert part["null_share"] == whole["null_share"]
    rows = "select value from intermediate.int_load_history where measure = 'table_rows' and {}"
    one = "source_name = 'web' and load_number = {}"
    assert sampled.rows(rows.format(one.format(1))) == loads["second"].rows(
        rows.format(one.format(2))
    )
