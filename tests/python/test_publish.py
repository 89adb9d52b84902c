import json
import os
import shutil
from pathlib import Path

import duckdb
import pytest
from _datasets import ROOT, write_dataset

from python_ext import swap
from python_ext.errors import SegmentationError
from python_ext.publish import publish
from python_ext.raw_files import raw_file_stamps


def write_results(target, *, statuses=("success", "pass", "warn"), command="build", **settings):
    target.mkdir(exist_ok=True)
    metadata = {"invocation_id": "one", "generated_at": "2024-06-01T08:00:00.5Z"}
    results = [{"unique_id": f"step.{n}", "status": s} for n, s in enumerate(statuses)]
    content = {
        "metadata": metadata,
        "args": {"which": command, "vars": settings},
        "results": results,
    }
    file = target / "run_results.json"
    file.write_text(json.dumps(content))
    (target / "manifest.json").write_text(json.dumps({"metadata": metadata}))
    return file


def write_warehouse(file, *, first="c1"):
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            f"""
            create schema marts;
            create schema intermediate;
            create schema staging;
            create table intermediate.int_as_of_date as select date '2024-06-01' as as_of_date;
            create table staging.people as select 'secret' as email;
            create table marts.customers as
                select * from (values ('c3', 1.5), ('{first}', null), ('c2', 2.5))
                    as rows(customer_key, monetary);
            comment on table marts.customers is 'Who the customer''s person is.';
            comment on column marts.customers.customer_key is 'The key.';
            create view marts.totals as
                select count(*) as customers from "{file.stem}".marts.customers;
            """
        )


@pytest.fixture
def build(tmp_path):
    """A warehouse and the results of the build that made it."""
    write_warehouse(tmp_path / "house.duckdb")
    return tmp_path / "house.duckdb", tmp_path / "publish", write_results(tmp_path / "target")


def published_keys(out_dir):
    with duckdb.connect(str(out_dir / "segments.duckdb"), read_only=True) as connection:
        in_database = connection.execute("select customer_key from marts.customers").fetchall()
    file = out_dir / "parquet" / "customers.parquet"
    assert duckdb.execute(f"select customer_key from '{file}'").fetchall() == in_database
    return [key for (key,) in in_database]


def names(out_dir):
    return sorted(path.name for path in out_dir.iterdir())


def test_every_mart_is_published_in_order_with_its_comments(build):
    database, out_dir, results = build
    published = publish(database, out_dir, results, project_dir=ROOT)
    assert published.rows == {"customers": 3, "totals": 1}
    assert published_keys(out_dir) == ["c1", "c2", "c3"]
    assert names(out_dir) == ["parquet", "segments.duckdb"]
    assert names(out_dir / "parquet") == ["about.json", "customers.parquet", "totals.parquet"]
    with duckdb.connect(str(out_dir / "segments.duckdb"), read_only=True) as connection:
        schemas = connection.execute("select distinct schema_name from duckdb_tables()").fetchall()
        table = connection.execute(
            "select comment from duckdb_tables() where table_name = 'customers'"
        ).fetchone()
        column = connection.execute(
            "select comment from duckdb_columns() where column_name = 'customer_key'"
        ).fetchone()
        totals = connection.execute("select customers from marts.totals").fetchone()
    assert schemas == [("marts",)]
    assert table == ("Who the customer's person is.",)
    assert column == ("The key.",)
    assert totals == (3,)


def test_about_says_what_the_data_are(build, tmp_path):
    database, out_dir, _ = build
    raw = write_dataset(tmp_path / "mine")
    results = write_results(
        tmp_path / "target",
        dataset="mine",
        dataset_title="My shop",
        is_synthetic=True,
        raw_data=str(raw),
        sources={"web": False},
    )
    publish(database, out_dir, results, project_dir=ROOT)
    about = json.loads((out_dir / "parquet" / "about.json").read_text())
    assert (about["dataset"], about["dataset_title"], about["is_synthetic"]) == (
        "mine",
        "My shop",
        True,
    )
    assert about["as_of_date"] == "2024-06-01"
    assert about["built_at"] == "2024-06-01T08:00:00.5Z"
    assert about["marts"] == {"customers": 3, "totals": 1}
    assert "shop.orders" in about["sources"] and "web.events" not in about["sources"]
    with duckdb.connect(str(out_dir / "segments.duckdb"), read_only=True) as connection:
        title, as_of, before = connection.execute(
            "select dataset_title, as_of_date, source_fingerprint from marts.about"
        ).fetchone()
    assert (title, str(as_of)) == ("My shop", "2024-06-01")

    (raw / "shop" / "orders.parquet").write_bytes(b"changed")
    publish(database, out_dir, results, project_dir=ROOT)
    with duckdb.connect(str(out_dir / "segments.duckdb"), read_only=True) as connection:
        (after,) = connection.execute("select source_fingerprint from marts.about").fetchone()
    assert after != before


def test_equal_marts_give_equal_files(build, tmp_path):
    database, out_dir, results = build
    publish(database, out_dir, results, project_dir=ROOT)
    first = (out_dir / "parquet" / "customers.parquet").read_bytes()
    publish(database, tmp_path / "again", results, project_dir=ROOT)
    assert (tmp_path / "again" / "parquet" / "customers.parquet").read_bytes() == first


@pytest.mark.parametrize("status", ["error", "fail", "runtime error", "skipped"])
def test_failed_build_publishes_nothing(build, status):
    database, out_dir, results = build
    publish(database, out_dir, results, project_dir=ROOT)
    database.unlink()
    write_warehouse(database, first="c0")
    write_results(results.parent, statuses=("success", status))
    with pytest.raises(SegmentationError, match=r"1 of 2 steps .* \(step\.1\)"):
        publish(database, out_dir, results, project_dir=ROOT)
    assert published_keys(out_dir) == ["c1", "c2", "c3"]


def test_results_must_be_those_of_the_last_build(build):
    database, out_dir, results = build
    manifest = results.with_name("manifest.json")
    manifest.write_text(json.dumps({"metadata": {"invocation_id": "two"}}))
    with pytest.raises(SegmentationError, match="another dbt command ran"):
        publish(database, out_dir, results, project_dir=ROOT)
    manifest.unlink()
    publish(database, out_dir, results, project_dir=ROOT)

    for command in ("run", "compile", "generate"):
        write_results(results.parent, command=command)
        with pytest.raises(SegmentationError, match=f"`dbt {command}`, not a build"):
            publish(database, out_dir, results, project_dir=ROOT)
    write_results(results.parent, statuses=())
    with pytest.raises(SegmentationError, match="ran nothing"):
        publish(database, out_dir, results, project_dir=ROOT)
    results.write_text("{")
    with pytest.raises(SegmentationError, match="cannot be read"):
        publish(database, out_dir, results, project_dir=ROOT)
    results.unlink()
    with pytest.raises(SegmentationError, match="is missing"):
        publish(database, out_dir, results, project_dir=ROOT)
    assert published_keys(out_dir) == ["c1", "c2", "c3"]


def test_missing_or_empty_warehouse_is_told(build, tmp_path):
    _, out_dir, results = build
    with pytest.raises(SegmentationError, match="no warehouse"):
        publish(tmp_path / "none.duckdb", out_dir, results, project_dir=ROOT)
    duckdb.connect(str(tmp_path / "empty.duckdb")).close()
    with pytest.raises(SegmentationError, match="holds no marts"):
        publish(tmp_path / "empty.duckdb", out_dir, results, project_dir=ROOT)


def test_mart_that_cannot_be_read_leaves_the_old_state(build):
    database, out_dir, results = build
    publish(database, out_dir, results, project_dir=ROOT)
    with duckdb.connect(str(database)) as connection:
        connection.execute("update marts.customers set customer_key = 'c9'")
        # Fails only while its rows are copied, after other marts were written.
        connection.execute(
            "create view marts.zzz as select cast(email as integer) as n from staging.people"
        )
    with pytest.raises(SegmentationError, match="unchanged"):
        publish(database, out_dir, results, project_dir=ROOT)
    assert published_keys(out_dir) == ["c1", "c2", "c3"]
    assert names(out_dir) == ["parquet", "segments.duckdb"]


def change(database):
    """What a next build has made."""
    with duckdb.connect(str(database)) as connection:
        connection.execute("update marts.customers set customer_key = 'c9'")


# Where the system can exchange two folders in one step, and where it cannot.
STEPS = [("parquet.next", False), ("segments.next.duckdb", False), ("segments.next.duckdb", True)]


@pytest.mark.parametrize(("failing", "in_one_step"), STEPS)
def test_failure_between_the_two_renames_leaves_the_old_state(
    build, monkeypatch, failing, in_one_step
):
    database, out_dir, results = build
    publish(database, out_dir, results, project_dir=ROOT)
    change(database)
    if not in_one_step:
        monkeypatch.setattr(swap, "_exchanged", lambda one, other: False)
    for method in ("rename", "replace"):
        original = getattr(Path, method)

        def break_off(self, target, original=original):
            if self.name == failing:
                raise OSError("disk full")
            return original(self, target)

        monkeypatch.setattr(Path, method, break_off)
    with pytest.raises(SegmentationError, match="disk full"):
        publish(database, out_dir, results, project_dir=ROOT)
    monkeypatch.undo()
    assert published_keys(out_dir) == ["c1", "c2", "c3"]
    assert names(out_dir) == ["parquet", "segments.duckdb"]


def killed_at(step, publishing):
    """Run it in a process of its own that ends, as if killed, before its nth change of a name."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    left = [step]

    def counted(original):
        def call(*arguments, **options):
            left[0] -= 1
            if not left[0]:
                os._exit(9)
            return original(*arguments, **options)

        return call

    swap._exchanged = counted(swap._exchanged)
    Path.rename, Path.replace = counted(Path.rename), counted(Path.replace)
    shutil.rmtree = counted(shutil.rmtree)
    try:
        publishing()
    except BaseException:
        os._exit(1)
    os._exit(0)


@pytest.mark.parametrize("in_one_step", [True, False])
def test_publish_killed_at_any_step_leaves_a_whole_state(build, monkeypatch, in_one_step):
    database, out_dir, results = build
    publish(database, out_dir, results, project_dir=ROOT)
    old, new = ["c1", "c2", "c3"], ["c9", "c9", "c9"]
    change(database)
    later = json.loads(results.read_text())
    later["metadata"]["generated_at"] = "2024-06-02T08:00:00.5Z"
    failed = results.with_name("failed.json")
    failed.write_text(json.dumps({**later, "results": [{"unique_id": "a", "status": "error"}]}))
    results.write_text(json.dumps(later))
    if not in_one_step:
        monkeypatch.setattr(swap, "_exchanged", lambda one, other: False)
    kept = shutil.copytree(out_dir, out_dir.with_name("kept"))
    for step in range(1, 20):
        shutil.rmtree(out_dir)
        shutil.copytree(kept, out_dir)
        ended = killed_at(step, lambda: publish(database, out_dir, results, project_dir=ROOT))
        if not ended:
            break
        assert ended == 9
        # Each is whole at once, and both of one state when the next has published, even in vain.
        with duckdb.connect(str(out_dir / "segments.duckdb"), read_only=True) as reader:
            assert reader.execute("select count(*) from marts.customers").fetchone() == (3,)
        assert not in_one_step or len(names(out_dir / "parquet")) == 3
        with pytest.raises(SegmentationError, match="steps of the build failed"):
            publish(database, out_dir, failed, project_dir=ROOT)
        assert published_keys(out_dir) in (old, new)
    assert step > 3 and published_keys(out_dir) == new
    assert names(out_dir) == ["parquet", "segments.duckdb"]


def test_a_first_state_that_was_not_written_to_its_end_is_not_put_in_place(build):
    database, out_dir, results = build
    (out_dir / "parquet.next").mkdir(parents=True)
    (out_dir / "parquet.next" / "customers.parquet").write_bytes(b"half")
    write_results(results.parent, statuses=("error",))
    with pytest.raises(SegmentationError, match="steps of the build failed"):
        publish(database, out_dir, results, project_dir=ROOT)
    assert "parquet" not in names(out_dir)
    publish(database, out_dir, write_results(results.parent), project_dir=ROOT)
    assert names(out_dir) == ["parquet", "segments.duckdb"]


def test_two_that_publish_to_one_folder(build):
    database, out_dir, results = build
    with swap.alone_in(out_dir), pytest.raises(SegmentationError, match="Another command is publ"):
        publish(database, out_dir, results, project_dir=ROOT)
    assert set(publish(database, out_dir, results, project_dir=ROOT).rows) == {
        "customers",
        "totals",
    }


def test_published_is_only_what_the_warehouse_notes(build, tmp_path):
    database, out_dir, _ = build
    raw = write_dataset(tmp_path / "mine")
    results = write_results(tmp_path / "target", raw_data=str(raw))
    read = raw_file_stamps(str(raw), project_dir=ROOT)

    def note(invocation, *, is_finished):
        with duckdb.connect(str(database)) as connection:
            connection.execute(
                "create or replace table last_build as select $1 as invocation_id, "
                "$2 as is_finished, $3 as raw_files",
                [invocation, is_finished, json.dumps(read)],
            )

    note("one", is_finished=False)
    with pytest.raises(SegmentationError, match="did not come to its end"):
        publish(database, out_dir, results, project_dir=ROOT)
    note("two", is_finished=True)
    with pytest.raises(SegmentationError, match="another dbt command ran"):
        publish(database, out_dir, results, project_dir=ROOT)
    note("one", is_finished=True)
    # A command that was refused has written its manifest, and nothing to the warehouse.
    results.with_name("manifest.json").write_text('{"metadata": {"invocation_id": "two"}}')
    before = publish(database, out_dir, results, project_dir=ROOT).about["sources"]
    (raw / "shop" / "orders.parquet").write_bytes(b"the delivery of tomorrow")
    after = publish(database, out_dir, results, project_dir=ROOT).about["sources"]
    assert set(before) - set(after) == {"shop.orders"}


def test_reader_of_the_old_state_is_not_disturbed(build):
    database, out_dir, results = build
    publish(database, out_dir, results, project_dir=ROOT)
    with duckdb.connect(str(out_dir / "segments.duckdb"), read_only=True) as reader:
        with duckdb.connect(str(database)) as connection:
            connection.execute("delete from marts.customers where customer_key = 'c3'")
        publish(database, out_dir, results, project_dir=ROOT)
        assert reader.execute("select count(*) from marts.customers").fetchone() == (3,)
    assert published_keys(out_dir) == ["c1", "c2"]


def test_a_build_of_a_part_of_the_marts_and_a_mart_that_is_no_more_are_not_published(build):
    database, out_dir, results = build
    content = json.loads(results.read_text())
    content["results"].append({"unique_id": "model.p.customers", "status": "success"})
    results.write_text(json.dumps(content))
    nodes = {
        f"model.p.{name}": {"resource_type": "model", "schema": "marts", "name": name}
        for name in ("customers", "customer_rfm")
    }
    manifest = results.with_name("manifest.json")
    metadata = json.loads(manifest.read_text())["metadata"]
    manifest.write_text(json.dumps({"metadata": metadata, "nodes": nodes}))
    retried = {"invocation_command": "dbt --no-use-colors retry"}
    for args in (
        {},
        {**retried, "select": ["customers"]},
        {**retried, "selector": "mine"},
        {**retried, "resource_types": ["test"]},
    ):
        results.write_text(json.dumps({**content, "args": {**content["args"], **args}}))
        with pytest.raises(SegmentationError, match="a part of the marts .without customer_rfm"):
            publish(database, out_dir, results)
    # What is left of a whole build: the rest was built before.
    results.write_text(json.dumps({**content, "args": {**content["args"], **retried}}))
    assert set(publish(database, out_dir, results).rows) == {"customers"}
    results.write_text(json.dumps(content))
    del nodes["model.p.customer_rfm"]
    manifest.write_text(json.dumps({"metadata": metadata, "nodes": nodes}))
    assert set(publish(database, out_dir, results).rows) == {"customers"}


def test_erasure_requests_that_wait_are_counted(build):
    database, out_dir, results = build
    assert publish(database, out_dir, results, project_dir=ROOT).erasure_requests == 0
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            "create table staging.stg_crm__erasure_requests as "
            "select * from (values ('C1', null), ('C1', null), ('receipt:12', null), "
            "('C2', 'future_date'), (null, 'unreadable_date')) "
            "as requests(customer_id, rejection_reason)"
        )
    # A date ahead makes no wish undone.
    assert publish(database, out_dir, results, project_dir=ROOT).erasure_requests == 2
