"""Builds that are killed, starved or fed with files that change: nothing is lost, and it is told.

`benchmarks/faults.py` does the same with whole builds; here each is as small as the fault allows.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from conftest import run_dbt

from python_ext.errors import SegmentationError
from python_ext.input_check_plugin import Plugin
from python_ext.publish import publish
from python_ext.raw_files import changes, raw_file_stamps
from python_ext.stored_models import damaged_models, remove_damaged_models
from python_ext.warehouse import warehouse_problem

STAGING = ("build", "--select", "path:models/staging")
SEGMENTATION = Path(sys.executable).with_name("segmentation")
# In which load a row was read is no part of what it says.
KEPT = "select columns(name -> name <> 'loaded_in') from"
FIRST, LATER = "model staging.stg_crm", "model staging.stg_web"


@pytest.fixture
def copied(demo_build, demo_data, tmp_path):
    """The small demo as it was built, published, in a folder of its own."""
    shutil.copyfile(demo_build.database, tmp_path / "build.duckdb")
    shutil.copytree(demo_build.target, tmp_path / "target")
    raw = shutil.copytree(demo_data, tmp_path / "raw", copy_function=shutil.copy2)
    results = tmp_path / "target" / "run_results.json"
    publish(tmp_path / "build.duckdb", tmp_path / "publish", results)
    return tmp_path, raw


def run(copied, *command, **options):
    folder, raw = copied
    return run_dbt(*command, folder=folder, raw_data=raw, lean=False, **options)


def published(folder):
    return {file: file.read_bytes() for file in (folder / "publish").rglob("*") if file.is_file()}


def differing(one, other):
    """Tables that two warehouses do not both have with the same rows, but the notes of builds."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{one}' as one (read_only)")
        connection.execute(f"attach '{other}' as other (read_only)")
        tables = connection.execute(
            "select schema_name || '.' || table_name, count(*) from duckdb_tables() "
            "where database_name in ('one', 'other') "
            "and table_name not in ('last_build', 'arrivals') group by all"
        ).fetchall()
        assert len(tables) > 100
        return [
            name
            for name, count in tables
            if count != 2
            or connection.execute(
                f"({KEPT} one.{name} except all {KEPT} other.{name}) union all "
                f"({KEPT} other.{name} except all {KEPT} one.{name}) limit 1"
            ).fetchall()
        ]


def test_killed_build_is_not_published_nor_retried_and_the_next_one_completes(copied, demo_build):
    folder, _ = copied
    before = published(folder)
    killed = run(copied, *STAGING, alone=True, at=(LATER, subprocess.Popen.kill))
    assert killed.returncode == -9
    # The table that was just made may stand there under dbt's name for it.
    others = differing(folder / "build.duckdb", demo_build.database)
    assert [name for name in others if not name.endswith("__dbt_tmp")] == []
    results = folder / "target" / "run_results.json"
    with pytest.raises(SegmentationError, match="did not come to its end"):
        publish(folder / "build.duckdb", folder / "publish", results)
    assert published(folder) == before
    # The results of an earlier build that failed, which `dbt retry` would take up.
    text = results.read_text().replace('"status": "success"', '"status": "error"')
    results.write_text(text)
    retried = run(copied, "retry", alone=True)
    assert retried.returncode != 0 and "The build before was cut off" in retried.output
    assert run(copied, *STAGING).returncode == 0
    assert differing(folder / "build.duckdb", demo_build.database) == []


def test_input_that_changes_while_it_is_read_fails_the_build_and_is_named(copied, demo_build):
    folder, raw = copied
    kept = {name: raw / name for name in ("web/events.parquet", "shop/products.parquet")}
    content = {name: (file.read_bytes(), file.stat()) for name, file in kept.items()}

    def disturb(_):
        os.truncate(kept["web/events.parquet"], 9000)
        delivery = raw / "delivery.parquet"
        shutil.copyfile(kept["shop/products.parquet"], delivery)
        delivery.replace(kept["shop/products.parquet"])

    built = run(copied, *STAGING, alone=True, at=(FIRST, disturb))
    assert built.returncode == 1
    said = (
        "changed while it was being read: shop/products.parquet was written again, web/events.par"
    )
    assert said in " ".join(built.output.split())
    for name, (data, state) in content.items():
        kept[name].write_bytes(data)
        os.utime(kept[name], ns=(state.st_atime_ns, state.st_mtime_ns))
    results = folder / "target" / "run_results.json"
    failed = results.read_bytes()
    kept["web/events.parquet"].touch()
    retried = run(copied, "retry", alone=True)
    assert "not the one of the build that is retried" in retried.output
    # What is delivered again as it was is taken up where the build stopped.
    state = content["web/events.parquet"][1]
    os.utime(kept["web/events.parquet"], ns=(state.st_atime_ns, state.st_mtime_ns))
    results.write_bytes(failed)
    retried = run(copied, "retry", alone=True)
    assert retried.returncode == 0 and "stg_shop__products" not in retried.output
    assert differing(folder / "build.duckdb", demo_build.database) == []


def test_full_disk_is_told_and_the_next_build_completes(copied, demo_build):
    folder, _ = copied
    before = published(folder)
    # A warehouse of seeds alone has no free blocks that could be filled without growing.
    database = folder / "build.duckdb"
    database.unlink()
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"attach '{demo_build.database}' as whole (read_only)")
        connection.execute("create schema reference")
        for (name,) in connection.execute(
            "select table_name from duckdb_tables() where database_name = 'whole' "
            "and schema_name = 'reference'"
        ).fetchall():
            connection.execute(f"create table reference.{name} as from whole.reference.{name}")
    # Room for what dbt writes itself, and not for staging.
    built = run(copied, *STAGING, alone=True, largest_file=4_000_000)
    assert built.returncode != 0
    told = [line for line in built.output.splitlines() if "What to do" in line]
    assert told and all("free some space" in line.lower() for line in told)
    assert published(folder) == before
    assert run(copied, *STAGING).returncode == 0
    assert [name for name in differing(database, demo_build.database) if "staging." in name] == []


def test_full_disk_while_publishing_leaves_the_old_state(copied):
    folder, _ = copied
    before = published(folder)
    command = ["publish", "--database", "build.duckdb", "--out", "publish"]
    said = subprocess.run(
        [
            "bash",
            "-c",
            'ulimit -f 200; exec "$@"',
            "-",
            Path(sys.executable).parent / "segmentation",
        ]
        + [*command, "--run-results", "target/run_results.json"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert said.returncode == 1
    assert "what was there before is unchanged" in said.stderr
    assert "Free some space" in said.stderr and "Traceback" not in said.stderr
    assert published(folder) == before


def test_warehouse_that_another_program_holds_is_told_with_its_name(copied):
    folder, raw = copied
    before = (folder / "target" / "run_results.json").read_bytes()
    with duckdb.connect(str(folder / "build.duckdb"), read_only=True):
        built = run(copied, *STAGING)
        checked = subprocess.run(
            [SEGMENTATION, "check", "--raw-data", raw] + ["--database", folder / "build.duckdb"],
            capture_output=True,
            text=True,
        )
    assert built.returncode == 2 and checked.returncode == 1
    for output in (built.output, checked.stderr):
        assert "is in use by" in output and f"(process {os.getpid()})" in output
        assert "Traceback" not in output
    assert (folder / "target" / "run_results.json").read_bytes() == before
    assert run(copied, "build", "--select", "stg_crm__consents").returncode == 0


def test_damaged_warehouse_and_damaged_log_are_told_apart(tmp_path):
    file = tmp_path / "house.duckdb"
    assert warehouse_problem(file) == ""
    assert "no folder" in warehouse_problem(tmp_path / "none" / "house.duckdb")
    # As a killed build leaves it: the last rows in the log only.
    writing = f"""
import duckdb, os
connection = duckdb.connect({str(file)!r})
connection.execute("create table a as select 1 as x")
connection.execute("checkpoint")
connection.execute("set checkpoint_threshold = '1GB'")
connection.execute("insert into a select range from range(5000)")
os._exit(9)
"""
    subprocess.run([sys.executable, "-c", writing], check=False)
    log = Path(f"{file}.wal")
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 255
    log.write_bytes(content)
    problem = warehouse_problem(file)
    assert f"mv {log} {log}.damaged" in problem and "build again" in problem
    log.rename(f"{log}.damaged")
    assert warehouse_problem(file) == ""
    with duckdb.connect(str(file), read_only=True) as connection:
        assert connection.execute("select count(*) from a").fetchone() == (1,)
    file.write_bytes(file.read_bytes()[:5000])
    assert "is damaged" in warehouse_problem(file) and "docs/FAULTS.md" in warehouse_problem(file)


def test_damaged_models_are_found_and_their_runs_removed(copied):
    database = copied[0] / "build.duckdb"
    with duckdb.connect(str(database)) as connection:
        assert damaged_models(connection) == []
        runs = "select count(*) from ml.ml_propensity_models where target = 'purchase'"
        others = "select count(*) from ml.ml_propensity_models where target <> 'purchase'"
        (left,) = connection.execute(others).fetchone()
        connection.execute(
            "update ml.ml_propensity_models set artefact = '0'::blob || artefact "
            "where target = 'purchase' and artefact is not null"
        )
        connection.execute(
            "update ml.ml_segment_models set artefact = '{}'::blob "
            "where view = 'value' and is_chosen"
        )
        # Another run kept the model of the view, and one of a view of its own is damaged.
        for change in (
            "as_of_date - interval 1 year as as_of_date, cast('{}' as blob) as artefact",
            "'none' as view, 'f00' as model_id",
        ):
            connection.execute(
                f"insert into ml.ml_segment_models select * replace ({change}) "
                "from ml.ml_segment_models where view = 'all' and is_chosen "
                "order by as_of_date desc limit 1"
            )
        (day,) = connection.execute("select max(as_of_date) from ml.ml_segment_models").fetchone()
    removed = [(m.table, m.of, m.has_copy) for m in remove_damaged_models(database)]
    assert removed == [
        ("ml.ml_propensity_models", "purchase", False),
        ("ml.ml_segment_models", "all", True),
        ("ml.ml_segment_models", "none", False),
        ("ml.ml_segment_models", "value", False),
    ]
    with duckdb.connect(str(database), read_only=True) as connection:
        assert connection.execute(runs).fetchone() == (0,)
        assert connection.execute(others).fetchone() == (left,)
        # No hourly run is published over it, only a whole build.
        noted = "settings, version from bookkeeping.arrivals where model = '' and source_table = ''"
        last = connection.execute(f"select {noted} order by load_number desc limit 1").fetchone()
        assert last == ("part", "begun")
        # The run of a segment model tells which segments there were.
        segments = connection.execute(
            "select view, as_of_date = $1, artefact is null, sha256(artefact)[:16] = model_id "
            "from ml.ml_segment_models where is_chosen and view in ('all', 'none', 'value') "
            "order by all",
            [day],
        ).fetchall()
        assert segments == [
            ("all", False, False, True),
            ("all", True, False, True),
            ("none", True, True, None),
            ("value", True, True, None),
        ]
        assert damaged_models(connection) == []


def test_changes_of_raw_files_are_named(tmp_path):
    for name in ("shop/orders.parquet", "web/events.parquet", "_truth/people.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"1")
    before = raw_file_stamps(str(tmp_path), project_dir=tmp_path)
    assert list(before) == ["shop/orders.parquet", "web/events.parquet"]
    assert changes(before, before) == ""
    (tmp_path / "shop/orders.parquet").write_bytes(b"22")
    (tmp_path / "web/events.parquet").rename(tmp_path / "web/other.parquet")
    now = raw_file_stamps(str(tmp_path), project_dir=tmp_path)
    assert changes(before, now) == (
        "web/events.parquet is gone, web/other.parquet came in, "
        "shop/orders.parquet was written again"
    )
    assert raw_file_stamps("s3://bucket/shop", project_dir=tmp_path) == {}


def test_limits_left_empty_are_those_of_the_engine(tmp_path):
    given = {"memory_limit": "300MB", "temp_directory": "", "max_temp_directory_size": ""}
    Plugin("check", {"project_dir": tmp_path}).update_connection_config(None, given)
    assert given == {"memory_limit": "300MB"}
    with duckdb.connect(config=given) as connection:
        query = "select current_setting('memory_limit')"
        assert connection.execute(query).fetchone() == ("286.1 MiB",)
