"""A person is forgotten: before and after, with the search that finds nothing."""

import json
import os
import shutil
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from _datasets import ROOT
from _private_copy import (
    SECRET,
    VAULT_KEY,
    as_arrivals,
    ask,
    person_with,
    places_in,
    private_copy,
)
from click.testing import CliRunner
from rich.console import Console

from python_ext.cli import _privacy, main
from python_ext.errors import SegmentationError
from python_ext.privacy import (
    Found,
    People,
    SuppressionList,
    find_people,
    forget,
    requested,
    search,
    search_uncompressed,
    write_vault,
)
from python_ext.privacy._job import Job
from python_ext.privacy._search import _parts_of_others, count_in_bytes

AT = datetime(2026, 7, 1, 9, 30)


@pytest.fixture(scope="module")
def original(demo_build, tmp_path_factory):
    places = private_copy(demo_build, tmp_path_factory.mktemp("original"))
    write_vault(places, key=VAULT_KEY)
    return places


@pytest.fixture(scope="module")
def reduced(original, tmp_path_factory):
    """A few tables, for what is tested of a run itself; ``after`` is a run over all of them.

    Of the warehouse those that know more of people than their key, and the customers; of what is
    published those with a key.
    """
    copy = tmp_path_factory.mktemp("reduced") / "copy"
    shutil.copytree(original.published.parent, copy)
    places = places_in(copy)
    keep_tables(places.database, "record_id", "customer_id", "visitor_id", "email")
    for mart in keep_tables(places.published / "segments.duckdb", "customer_key"):
        (places.published / "parquet" / f"{mart}.parquet").unlink(missing_ok=True)
    return places


def keep_tables(database: Path, *columns: str) -> list[str]:
    """Drop the tables without any of these columns, but ``customers`` and seeds; who went."""
    with duckdb.connect(str(database)) as connection:
        others = connection.execute(
            "select schema_name, table_name from duckdb_columns() where not internal and "
            "schema_name <> 'reference' and table_name <> 'customers' group by all "
            "having not bool_or(column_name in (select unnest($1)))",
            [list(columns)],
        ).fetchall()
        assert len(others) > 20
        for schema, table in others:
            connection.execute(f"drop table {schema}.{table}")
    return [table for _, table in others]


@pytest.fixture
def places(reduced, tmp_path):
    shutil.copytree(reduced.published.parent, tmp_path / "copy")
    return places_in(tmp_path / "copy")


@pytest.fixture(scope="module")
def busy(original) -> People:
    """Somebody with several records, a guest order, a cookie and purchases."""
    key = person_with(original, "guests > 0 and numbers > 0 and logins > 0 and buyers > 0")
    return find_people(original, customer_keys=(key,))


def run(places, people, **options):
    return forget(places, people, secret=SECRET, at=AT, vault_key=VAULT_KEY, **options)


@pytest.fixture(scope="module")
def after(original, busy, tmp_path_factory):
    """The state after forgetting the busy person, and what was said."""
    folder = tmp_path_factory.mktemp("after")
    shutil.copytree(original.published.parent, folder / "copy")
    places = places_in(folder / "copy")
    (places.caches[0] / "old.log").write_text(f"hello {next(iter(busy.emails)).upper()}!\n")
    (places.caches[0] / "other.log").write_text(f"hello x{next(iter(busy.emails))}\n")
    return places, run(places, busy)


def tables_of(database: Path) -> list[str]:
    return [
        f"{schema}.{table}"
        for schema, table in ask(
            database,
            "select schema_name, table_name from duckdb_tables() where not internal order by all",
        )
    ]


# Before -----------------------------------------------------------------------------------------


def test_all_records_and_contacts_of_the_person_are_known(original, busy):
    records = ask(
        original.database,
        "select record_id from ml.ml_customer_identities "
        f"where customer_key = '{next(iter(busy.customer_keys))}'",
    )
    assert {row[0] for row in records} <= busy.record_ids and len(records) > 1
    assert busy.emails and busy.customer_ids and busy.visitors
    assert any(record.startswith("guest:") for record in busy.record_ids)


@pytest.fixture(scope="module")
def found(original, busy) -> Found:
    return search(original, busy, vault_key=VAULT_KEY)


def test_a_table_that_arrives_in_files_is_forgotten_in_each(places, busy):
    """As much goes as from one file, and an order stays without its buyer."""

    tables = ("web/events", "shop/orders", "email/events")

    def planned() -> dict[str, tuple[int, int]]:
        removals = Job(places, busy, "receipt", VAULT_KEY).plan()
        return {
            table: (
                sum(each.rows_removed for each in removals if f"/demo/{table}" in each.file),
                sum(each.cells_emptied for each in removals if f"/demo/{table}" in each.file),
            )
            for table in tables
        }

    before = planned()
    for table in tables:
        as_arrivals(places.raw_folder / table)
    assert planned() == before
    assert before["shop/orders"][0] == 0 < before["shop/orders"][1] and before["web/events"][0]
    forget(places, busy, secret=SECRET, at=AT, vault_key=VAULT_KEY)
    assert search(places, busy, vault_key=VAULT_KEY).hits == ()


def test_before_the_person_is_found_everywhere(original, busy, found):
    where = {(Path(hit.file).name, hit.table) for hit in found.hits}
    for place in [
        ("customers.parquet", ""),
        ("orders.parquet", ""),
        ("events.parquet", ""),
        ("identity.duckdb", "main.identities"),
        ("segments.duckdb", "marts.customers"),
        ("build.duckdb", "staging.stg_crm__customers"),
        ("build.duckdb", "ml.ml_customer_identities"),
        ("build.duckdb", "marts.customers"),
        ("build.duckdb", "intermediate.int_customer_features"),
        ("build.duckdb", "ml.ml_segment_history"),
        ("build.duckdb", "marts.segment_history"),
    ]:
        assert place in where, place
    assert found.closed == ()
    assert search_uncompressed(original.database, busy) > 0


def test_a_search_tells_no_value(busy, found):
    told = " ".join(f"{h.file} {h.table} {h.column} {h.how}" for h in found.hits).lower()
    assert not [value for value in busy.distinctive() if value in told]


def test_a_dry_run_changes_nothing(places, busy):
    def state():
        return {
            file: file.read_bytes() for file in places.published.parent.rglob("*") if file.is_file()
        }

    before = state()
    done = run(places, busy, dry_run=True)
    assert state() == before
    assert sum(item.rows_removed for item in done.removals) > 10 and done.found is None


# After ------------------------------------------------------------------------------------------


def test_afterwards_nothing_is_found(after, busy):
    places, done = after
    assert done.found.hits == () and done.found.closed == ()
    assert search(places, busy, vault_key=VAULT_KEY).hits == ()
    assert search_uncompressed(places.database, busy) == 0
    assert search_uncompressed(places.published / "segments.duckdb", busy) == 0


def test_no_free_block_of_the_warehouse_holds_the_person(original, busy, tmp_path):
    """Rows that are deleted in place stay in the file; a file written anew never held them."""
    plain = tmp_path / "build.duckdb"
    with duckdb.connect() as connection:
        connection.execute("set force_compression = 'uncompressed'")
        connection.execute(f"attach '{original.database}' as source (read_only)")
        connection.execute(f"attach '{plain}' as build")
        connection.execute("copy from database source to build")
    with duckdb.connect(str(plain)) as connection:
        connection.execute("delete from staging.stg_crm__customers where true")
        connection.execute("drop table intermediate.int_identity_records")
    values = [email.encode() for email in busy.emails]
    assert count_in_bytes(plain, values, whole_words=False) > 0
    assert ask(plain, "select count(*) from staging.stg_crm__customers") == [(0,)]

    shutil.copytree(original.raw_folder, tmp_path / "demo")
    places = places_in(tmp_path)
    shutil.copyfile(original.database, places.database)
    forget(places, busy, secret=SECRET, at=AT)
    assert count_in_bytes(places.database, values, whole_words=False) == 0


def test_everybody_else_is_as_before(original, after, busy):
    """Each table keeps exactly the rows that do not name the person."""
    places, done = after
    touched = {item.table: item for item in done.removals if item.file.endswith("build.duckdb")}
    with duckdb.connect() as connection:
        connection.execute(f"attach '{original.database}' as before (read_only)")
        connection.execute(f"attach '{places.database}' as after (read_only)")
        for table in tables_of(original.database):
            lost, new = (
                connection.execute(
                    f"select count(*) from (from {a}.{table} except all from {b}.{table})"
                ).fetchone()[0]
                for a, b in (("before", "after"), ("after", "before"))
            )
            if table == "main.last_build":
                # What the tables were made of is not what they hold any more; nothing else changes.
                was, is_now = (
                    connection.execute(f"from {a}.{table}").fetchdf().iloc[0].to_dict()
                    for a in ("before", "after")
                )
                assert is_now == {**was, "made_of": None}
            elif table not in touched:
                assert (lost, new) == (0, 0), table
            elif touched[table].cells_emptied:
                assert lost == new > 0, table
            else:
                assert (lost, new) == (touched[table].rows_removed, 0), table


def test_revenue_and_aggregates_stay(original, after):
    for query in (
        "select sum(net_revenue), count(*) from intermediate.int_orders_netted",
        "select sum(quantity * unit_price), count(*) from staging.stg_shop__order_lines",
        "from marts.segment_profiles order by all",
        "from marts.load_reconciliation order by all",
    ):
        assert ask(original.database, query) == ask(after[0].database, query)
    for table in ("orders", "order_lines"):
        before, now = (
            duckdb.sql(f"select count(*) from '{p.raw_folder}/shop/{table}.parquet'").fetchone()
            for p in (original, after[0])
        )
        assert before == now


def test_schema_comments_and_order_of_rows_stay(original, after):
    about = (
        "select schema_name, table_name, column_name, data_type, is_nullable, comment "
        "from duckdb_columns() where not internal order by all"
    )
    assert ask(original.database, about) == ask(after[0].database, about)
    assert any(row[5] for row in ask(after[0].database, about))
    order = "select order_id from staging.stg_shop__orders"
    assert ask(original.database, order) == ask(after[0].database, order)
    for file in sorted(original.raw_folder.rglob("*.parquet")):
        other = after[0].raw_folder / file.relative_to(original.raw_folder)
        assert duckdb.sql(f"describe from '{file}'").fetchall() == (
            duckdb.sql(f"describe from '{other}'").fetchall()
        )


def test_the_published_counts_are_those_of_the_files(after):
    about = json.loads((after[0].published / "parquet" / "about.json").read_text())
    for mart, rows in about["marts"].items():
        assert ask(
            after[0].published / "segments.duckdb", f"select count(*) from marts.{mart}"
        ) == [(rows,)]


def test_a_cache_that_names_the_person_is_gone_and_another_stays(after, busy):
    left = {file.name for file in after[0].caches[0].iterdir()}
    assert left == {"other.log"}


def test_the_receipt_tells_what_was_removed_and_names_nobody(after, busy):
    places, done = after
    text = (places.receipts / f"{done.receipt_id}.json").read_text()
    receipt = json.loads(text)
    assert (receipt["state"], receipt["at"]) == ("done", "2026-07-01T09:30:00")
    assert receipt["search_afterwards"]["hits"] == 0
    assert {item["table"] for item in receipt["removed"]} >= {"staging.stg_crm__customers", ""}
    assert len(receipt["people"]) == 1
    assert not [value for value in busy.distinctive() if value in text.lower()]


def test_the_person_is_on_the_suppression_list(after, busy):
    places, _ = after
    listed = SuppressionList(places.suppression, [SECRET])
    assert all(listed.holds("customer_id", number) for number in busy.customer_ids)
    assert all(listed.holds("email", email) for email in busy.emails)
    text = places.suppression.read_text().lower()
    assert not [value for value in busy.distinctive() if value in text]


# Special cases ----------------------------------------------------------------------------------


def test_a_shared_cookie_loses_the_login_only(places):
    visitor, number, others = ask(
        places.database,
        """
        select visitor_id, min(customer_id), count(*) from staging.stg_web__events
        where visitor_id in (
            select visitor_id from intermediate.int_visitors_linked where people > 1
        ) group by visitor_id order by visitor_id limit 1
        """,
    )[0]
    people = find_people(places, customer_ids=(number,))
    assert visitor not in people.visitors and people.shared["visitor_id"] > 0
    run(places, people)
    events = f"from '{places.raw_folder}/web/events.parquet' where visitor_id = '{visitor}'"
    assert duckdb.sql(f"select count(*) {events}").fetchone()[0] >= others
    assert duckdb.sql(f"select count(*) {events} and customer_id = '{number}'").fetchone() == (0,)


def test_an_address_that_another_customer_has_stays_with_them(places):
    """A family's address is not taken from the family, nor barred from coming back."""
    one, other = (
        row[0]
        for row in ask(
            places.database,
            "select min(record_id) from ml.ml_customer_identities "
            "where record_id like 'id:%' group by customer_key order by 1 limit 2",
        )
    )
    numbers = [record.removeprefix("id:") for record in (one, other)]
    with duckdb.connect(str(places.database)) as connection:
        for table, column in (
            ("staging.stg_crm__customers", "customer_id"),
            ("intermediate.int_identity_records", "source_record_id"),
        ):
            connection.execute(
                f"update {table} set email = 'family@mail.example' where {column} in (?, ?)",
                numbers,
            )
    people = find_people(places, customer_ids=(numbers[0],))
    assert people.shared["email"] == 1 and "family@mail.example" not in people.emails
    run(places, people)
    assert not SuppressionList(places.suppression, [SECRET]).holds("email", "family@mail.example")
    assert ask(
        places.database,
        "select customer_id from staging.stg_crm__customers where email = 'family@mail.example'",
    ) == [(numbers[1],)]
    with duckdb.connect(str(places.database)) as connection:
        connection.execute(
            "insert into intermediate.int_identity_records select * replace ('id:x' as record_id) "
            "from intermediate.int_identity_records where email = 'family@mail.example'"
        )
        connection.execute(
            "insert into ml.ml_customer_identities select * replace ('id:x' as record_id, "
            f"'k' as customer_key) from ml.ml_customer_identities where record_id = '{other}'"
        )
    with pytest.raises(SegmentationError, match="belongs to 2 customers"):
        find_people(places, emails=("Family@Mail.example",))


@pytest.mark.parametrize("swaps", [0, 4, 14])
def test_a_run_that_was_killed_is_completed_by_another(swaps, places, busy, monkeypatch):
    """Killed while files are put in place; the warehouse, which knows the person, comes last."""
    done = 0
    replace = Path.replace

    def killed(self, target):
        nonlocal done
        if ".forget-next" in self.name:
            if done == swaps:
                raise KeyboardInterrupt
            done += 1
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        run(places, busy)
    monkeypatch.undo()
    state = json.loads(next(places.receipts.iterdir()).read_text())
    assert state["state"] == "begun" and len(state["removed"]) > 20
    again = find_people(places, customer_keys=tuple(busy.customer_keys))
    assert again.emails == busy.emails
    finished = run(places, again)
    assert search(places, busy, vault_key=VAULT_KEY).hits == ()
    receipt = json.loads((places.receipts / f"{finished.receipt_id}.json").read_text())
    assert receipt["state"] == "done" and len(receipt["removed"]) == len(state["removed"])
    assert not [*places.published.parent.rglob(".*forget-next*")]


def test_when_the_warehouse_has_forgotten_nothing_is_left_to_do(places, busy, monkeypatch):
    """Killed right after the last renaming: caches are gone, and the receipt closes."""
    log = places.caches[1] / "dbt.log"
    log.write_text(f"hello {next(iter(busy.emails))}\n")
    replace = Path.replace

    def killed(self, target):
        result = replace(self, target)
        if Path(target) == places.database:
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        run(places, busy)
    monkeypatch.undo()
    receipt = next(places.receipts.iterdir())
    assert json.loads(receipt.read_text())["state"] == "searched"
    assert not log.exists() and search(places, busy, vault_key=VAULT_KEY).hits == ()
    number = min(busy.customer_ids)
    run(places, find_people(places, customer_ids=(number,)))
    assert json.loads(receipt.read_text())["state"] == "done"


def test_a_run_that_fails_while_writing_leaves_everything(places, busy, monkeypatch):
    from python_ext.privacy import _job

    def fails(*arguments, **options):
        raise OSError("no space left")

    before = {f: f.read_bytes() for f in places.raw_folder.rglob("*.parquet")}
    monkeypatch.setattr(_job, "rewrite_database", fails)
    with pytest.raises(OSError, match="no space left"):
        run(places, busy)
    assert {f: f.read_bytes() for f in places.raw_folder.rglob("*.parquet")} == before
    assert not [*places.published.parent.rglob(".*forget-next*")]


def test_a_file_that_cannot_be_read_is_named_and_not_quoted(places, busy):
    lines = [b"customer_id,remark\n", *[b"C1,fine\n"] * 40_000, b"C2,secret-word \xe9\xff\n"]
    (places.raw_folder / "crm" / "remarks.csv").write_bytes(b"".join(lines))
    with pytest.raises(SegmentationError, match=r"remarks\.csv cannot be read") as refused:
        run(places, busy)
    assert "secret-word" not in str(refused.value) and refused.value.__suppress_context__
    found = search(places, busy, vault_key=VAULT_KEY)
    assert any("remarks.csv: not readable" in closed for closed in found.closed)


def test_a_vault_without_its_key_stops_before_anything_is_changed(places, busy):
    before = places.database.read_bytes()
    with pytest.raises(SegmentationError, match="nothing was changed"):
        forget(places, busy, secret=SECRET, at=AT)
    assert places.database.read_bytes() == before and not places.suppression.exists()


def test_a_remote_dataset_names_what_to_delete_there(places, busy):
    from dataclasses import replace

    remote = replace(places, raw_data="s3://bucket/shop")
    done = forget(remote, busy, secret=SECRET, at=AT, vault_key=VAULT_KEY)
    text = " ".join(done.at_source)
    assert all(number in text for number in busy.customer_ids)
    assert "s3://bucket/shop" in text and "web.events" in text
    receipt = json.loads((places.receipts / f"{done.receipt_id}.json").read_text())
    assert receipt["left_at_the_source"] == len(done.at_source)
    assert ask(places.database, "select count(*) from marts.customers") < ask(
        places.database, "select count(*) + 1 from marts.customers"
    )
    assert search(remote, busy, vault_key=VAULT_KEY).hits == ()


@pytest.mark.parametrize("raw_format", ["csv", "json"])
def test_text_files_keep_their_format(raw_format, places, busy):
    from dataclasses import replace

    options = {"csv": "format csv, header, delimiter ';'", "json": "format json, array true"}
    for file in list(places.raw_folder.rglob("*.parquet")):
        target = file.with_suffix(f".{raw_format}")
        duckdb.execute(f"copy (from '{file}') to '{target}' ({options[raw_format]})")
        file.unlink()
    places = replace(places, raw_format=raw_format)
    customers = places.raw_folder / "crm" / f"customers.{raw_format}"
    before = customers.read_text(encoding="utf-8")
    run(places, busy)
    now = customers.read_text(encoding="utf-8")
    assert search(places, busy, vault_key=VAULT_KEY).hits == ()
    if raw_format == "csv":
        assert now.splitlines()[0] == before.splitlines()[0]
        assert set(now.splitlines()) < set(before.splitlines())
    else:
        rows = json.loads(before)
        kept = json.loads(now)
        assert 0 < len(rows) - len(kept) < 10
        assert all(row in rows for row in kept)


def test_numbers_that_say_little_are_not_searched_for_everywhere():
    """12346 is a customer in a column of customers, and anything in another."""
    people = People(customer_ids=frozenset({"12346"}), record_ids=frozenset({"id:12346"}))
    from python_ext.privacy._files import columns_of
    from python_ext.privacy._people import bring_values, cell_conditions

    with duckdb.connect() as connection:
        bring_values(connection, people)
        connection.execute(
            """
            create table rows as from (values
                (12346.0, '12346', 'id:1', null), (1, '12346', 'id:12346', null),
                (1, 'x', 'id:123467', '{"customer_id":12346,"email":null}'),
                (1, 'x', 'id:1', '{"customer_id":"123467","product_id":12346}')
            ) as t (customer_id, product_id, record_id, raw_row)
            """
        )
        columns = [
            (c, "VARCHAR" if k.startswith("DECIMAL") else k)
            for c, k in columns_of(connection, "rows")
        ]
        conditions = cell_conditions(columns, people)
        found = connection.execute(
            "select " + ", ".join(f"{sql} as {c}" for c, sql in conditions.items()) + " from rows"
        ).fetchall()
    by_column = dict(zip(conditions, zip(*found, strict=True), strict=True))
    assert by_column["customer_id"] == (True, False, False, False)
    assert by_column["product_id"] == (False, False, False, False)
    assert by_column["record_id"] == (False, True, False, False)
    assert by_column["raw_row"] == (False, False, True, False)


@pytest.mark.parametrize(
    ("content", "times"),
    [
        (b"mail luc@mail.example now", 1),
        (b"LUC@MAIL.EXAMPLE", 1),
        (b"jean-luc@mail.example", 0),
        (b"luc@mail.example.org", 0),
        (b"luc@mail.example. luc@mail.example,", 2),
        (b"", 0),
    ],
)
def test_a_longer_address_is_another_address(content, times, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(content)
    assert count_in_bytes(file, [b"luc@mail.example"], whole_words=True) == times


def test_a_value_is_part_of_another_in_its_cell_and_not_across_two():
    with duckdb.connect() as connection:
        connection.execute(
            "create table t as select 'Guy.Martin@x.example' as email, 'abc' as note, 1 as n "
            "union all select 'alone@x.example', 'abc', 2 union all select null, 'C1234567', 3"
        )
        values = ["martin@x.example", "alone@x.example", "c123456", "nobody@x.example"]
        found = _parts_of_others(connection, [("", "missing"), ("t", "t")], values)
    assert found == {"martin@x.example", "c123456"}


@pytest.mark.parametrize("chunk", [40, 50, 64, 100])
def test_a_value_across_two_chunks_is_counted_once(chunk, tmp_path, monkeypatch):
    from python_ext.privacy import _search

    monkeypatch.setattr(_search, "_CHUNK", chunk)
    file = tmp_path / "file"
    for before in range(70):
        file.write_bytes(b" " * before + b"luc@mail.example" + b" " * 90)
        for whole in (True, False):
            assert count_in_bytes(file, [b"luc@mail.example"], whole_words=whole) == 1, before


# The command ------------------------------------------------------------------------------------


def call(*arguments, places, key=VAULT_KEY):
    return CliRunner().invoke(
        main,
        [
            *arguments,
            *("--raw-data", places.raw_data),
            *("--database", str(places.database)),
            *("--publish-dir", str(places.published)),
            *("--privacy-dir", str(places.directory)),
            *(option for cache in places.caches for option in ("--cache-dir", str(cache))),
        ],
        env={"SEGMENTATION_VAULT_KEY": key, "COLUMNS": "200"},
    )


def test_requests_for_erasure_are_carried_out_and_answered_by_the_receipt(places, monkeypatch):
    monkeypatch.chdir(ROOT)
    numbers = requested(places)
    assert len(numbers) == 3
    # A narrow page would break the name of a table.
    monkeypatch.setattr(_privacy, "_output", lambda: Console(width=400))
    before = call("search-person", "--customer-id", numbers[0], places=places)
    assert "stg_crm__erasure_requests" in before.output and numbers[0] not in before.output
    result = call("forget", "--requests", "--at", "2026-07-01", places=places)
    assert result.exit_code == 0, result.output
    assert "Nothing was found." in result.output
    receipt = json.loads(next(places.receipts.iterdir()).read_text())
    assert len(receipt["people"]) == 3
    answers = duckdb.sql(
        f"select distinct customer_id from '{places.raw_folder}/crm/erasure_requests.parquet'"
    ).fetchall()
    assert answers == [(f"receipt:{receipt['receipt_id']}",)]
    again = call("forget", "--requests", places=places)
    assert "by a known customer has been carried out" in again.output
    with duckdb.connect(str(places.database)) as connection:
        connection.execute(
            "insert into staging.stg_crm__erasure_requests by name "
            "select * from (values ('P000012', 'unknown_customer'), ((select substr(record_id, 4) "
            "from ml.ml_customer_identities where record_id like 'id:%' order by 1 limit 1), "
            "'unreadable_date')) as rows(customer_id, rejection_reason)"
        )
    # A number that nobody has may be anything, a product's among it.
    assert len(requested(places)) == 1 and "P000012" not in requested(places)
    after = call("search-person", "--customer-id", numbers[0], "--uncompressed", places=places)
    assert "Nothing was found." in after.output and "warehouse: 0." in after.output


def test_who_is_unknown_is_said_to_be(places, original, monkeypatch):
    monkeypatch.chdir(ROOT)
    known = person_with(original, "numbers > 1")
    assert find_people(places, customer_keys=(known,)).unknown == 0
    assert find_people(places, customer_ids=("X1",), emails=("x@y.example",)).unknown == 2
    result = call("forget", "--customer-id", "X1", "--dry-run", places=places)
    assert "Nobody in the warehouse has 1 of the names given" in result.output
    assert not places.suppression.exists()


def test_forgetting_nobody_is_a_wrong_call(places, monkeypatch):
    monkeypatch.chdir(ROOT)
    result = call("forget", places=places)
    assert result.exit_code == 2 and "--customer-id" in result.output


def test_what_cannot_be_removed_keeps_the_receipt_open(places, busy, monkeypatch):
    (places.raw_folder / "notes.txt").write_text(f"call {next(iter(busy.emails))}\n")
    with pytest.raises(SegmentationError, match=r"notes\.txt.*by hand"):
        run(places, busy)
    assert json.loads(next(places.receipts.iterdir()).read_text())["state"] == "begun"
    os.unlink(places.raw_folder / "notes.txt")
    # The warehouse still knows who it is, so naming the person is enough.
    again = find_people(places, customer_keys=tuple(busy.customer_keys))
    assert again.emails == busy.emails
    assert run(places, again).found.hits == ()
