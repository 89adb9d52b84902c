"""Rows that are past their retention, and customers who have long been silent."""

from datetime import date

import duckdb
import pytest
from _datasets import ROOT, row_query, write_dataset, write_table
from _private_copy import as_arrivals, ask, find_places, private_copy

from python_ext.errors import SegmentationError
from python_ext.privacy import as_of_date, past_retention, silent_customers
from python_ext.privacy._retention import SEED, read_retention

AS_OF = date(2024, 6, 1)


def seed_with(folder, **months):
    """The seed of the project with other months for some tables (web__events=12)."""
    file = folder / "retention.csv"
    lines = (ROOT / SEED).read_text(encoding="utf-8").splitlines()
    out = [lines[0]]
    for line in lines[1:]:
        source, table, column, kept, rest = line.split(",", 4)
        kept = months.get(f"{source}__{table}", kept)
        out.append(",".join((source, table, column, str(kept), rest)))
    file.write_text("\n".join(out) + "\n", encoding="utf-8")
    return file


@pytest.fixture
def places(tmp_path):
    """Web events and orders of several years, one of them dated before any record was kept."""
    folder = write_dataset(tmp_path / "mine")
    days = "timestamp '2024-05-31 12:00:00' - to_days(cast(n * 30 as integer))"
    write_table(folder, "web.events", row_query("web.events", rows=60, event_at=days))
    write_table(
        folder,
        "shop.orders",
        row_query("shop.orders", rows=60, ordered_at=days, order_id="'o' || n"),
    )
    write_table(
        folder, "shop.order_lines", row_query("shop.order_lines", rows=60, order_id="'o' || n")
    )
    return find_places(str(folder), project_dir=ROOT, database=tmp_path / "none.duckdb")


def by_table(found):
    return {each.table: each for each in found}


def test_rows_are_counted_from_the_latest_of_their_table(places, tmp_path):
    seed = seed_with(tmp_path, web__events=12)
    found = by_table(past_retention(places, as_of=AS_OF, seed=seed))["web.events"]
    # The latest is of 31 May 2024: a year before is 31 May 2023, and 13 rows are of since then.
    assert (found.limit, found.rows, found.past) == (date(2023, 5, 31), 60, 47)


def test_the_limit_itself_is_kept(places, tmp_path):
    moments = ("2024-05-31", "2023-05-31", "2023-05-30 23:59:59")
    rows = [row_query("web.events", rows=1, event_at=f"timestamp '{each}'") for each in moments]
    write_table(places.raw_folder, "web.events", " union all ".join(rows))
    seed = seed_with(tmp_path, web__events=12)
    assert by_table(past_retention(places, as_of=AS_OF, seed=seed))["web.events"].past == 1


def test_a_future_date_does_not_empty_the_table(places, tmp_path):
    file = places.raw_folder / "web" / "events.parquet"
    duckdb.execute(f"create or replace table events as from '{file}'")
    duckdb.execute(
        "insert into events select * replace (timestamp '2099-01-01' as event_at) "
        "from events limit 1"
    )
    duckdb.execute(f"copy events to '{file}' (format parquet)")
    seed = seed_with(tmp_path, web__events=12)
    assert by_table(past_retention(places, as_of=AS_OF, seed=seed))["web.events"].past == 47


def test_applying_removes_exactly_them_and_the_lines_of_their_orders(places, tmp_path):
    seed = seed_with(tmp_path, web__events=12, shop__orders=24, shop__order_lines=24)
    told = by_table(past_retention(places, as_of=AS_OF, seed=seed))
    assert told["shop.orders"].past == told["shop.order_lines"].past > 0
    past_retention(places, as_of=AS_OF, seed=seed, apply=True)
    for table, column in (("web/events", "event_at"), ("shop/orders", "ordered_at")):
        file = places.raw_folder / f"{table}.parquet"
        each = told[table.replace("/", ".")]
        rows, oldest = duckdb.sql(f"select count(*), min({column})::date from '{file}'").fetchone()
        assert rows == each.rows - each.past and oldest >= each.limit
    shop = places.raw_folder / "shop"
    orphans = duckdb.sql(
        f"select count(*) from '{shop}/order_lines.parquet' "
        f"where order_id not in (select order_id from '{shop}/orders.parquet')"
    ).fetchone()
    assert orphans == (0,)
    again = past_retention(places, as_of=AS_OF, seed=seed)
    assert sum(each.past for each in again) == 0


def test_dates_are_read_as_the_build_reads_them(places, tmp_path):
    """A French export has a time behind the day; a dataset may have a format of its own."""
    written = ("31/05/2024 18:30", "30/05/2023 18h30", "29/05/2023", "2022-01-01T10:00:00Z")
    own = ("31.5.24", "20.5.19")
    rows = [row_query("web.events", rows=1, event_at=f"'{at}'") for at in (*written, *own)]
    write_table(places.raw_folder, "web.events", " union all ".join(rows))
    seed = seed_with(tmp_path, web__events=12)
    assert by_table(past_retention(places, as_of=AS_OF, seed=seed))["web.events"].past == 3
    (places.raw_folder / "dataset.yml").write_text(
        "dataset: mine\nvars: {date_formats: ['%d.%m.%y']}\n", encoding="utf-8"
    )
    assert by_table(past_retention(places, as_of=AS_OF, seed=seed))["web.events"].past == 2


def test_a_table_without_months_is_kept(places, tmp_path):
    seed = seed_with(tmp_path, web__events="")
    found = by_table(past_retention(places, as_of=AS_OF, seed=seed))["web.events"]
    assert (found.months, found.limit, found.past) == (None, None, 0)


def test_the_demo_is_within_the_retention_of_the_project(demo_build, demo_data):
    places = find_places(str(demo_data), project_dir=ROOT, database=demo_build.database)
    found = past_retention(places, as_of=as_of_date(places))
    assert len(found) == 13 and sum(each.past for each in found) == 0


@pytest.mark.parametrize("months", ["-3", "0", "two", "1.5"])
def test_months_that_are_none_are_an_error(months, tmp_path):
    with pytest.raises(SegmentationError, match="whole months above zero"):
        read_retention(seed_with(tmp_path, web__events=months))


def test_rows_at_an_address_are_not_ours_to_remove(places):
    from dataclasses import replace

    with pytest.raises(SegmentationError, match="not a local folder"):
        past_retention(replace(places, raw_data="s3://bucket/mine"), as_of=AS_OF, apply=True)


def test_who_is_silent_is_counted_by_the_last_contact(demo_build, tmp_path):
    places = private_copy(demo_build, tmp_path)
    counts = [len(silent_customers(places, months=months)) for months in (1, 12, 24, 600)]
    assert counts == sorted(counts, reverse=True) and counts[0] > counts[1] > 0 == counts[3]
    expected = ask(
        places.database,
        "select count(*) from intermediate.int_engagement_measured where cutoff_name = 'score' and "
        "coalesce(last_interaction_on, first_seen_on) < "
        "(select as_of_date from intermediate.int_as_of_date) - interval 12 month",
    )
    assert expected == [(counts[1],)]


def test_every_arrival_is_looked_at_and_cut(places, tmp_path):
    """A table that is a folder of files is cut like one that is a file."""
    seed = seed_with(tmp_path, web__events=12, shop__orders=24, shop__order_lines=24)
    told = by_table(past_retention(places, as_of=AS_OF, seed=seed))
    for table in ("web/events", "shop/orders", "shop/order_lines"):
        as_arrivals(places.raw_folder / table)
    assert by_table(past_retention(places, as_of=AS_OF, seed=seed, apply=True)) == told
    for table in ("web.events", "shop.orders", "shop.order_lines"):
        files = ", ".join(f"'{file}'" for file in places.raw_files(table))
        left = duckdb.sql(f"select count(*) from read_parquet([{files}])").fetchone()[0]
        assert left == told[table].rows - told[table].past
    assert not list(places.raw_folder.rglob(".*"))
