"""A build of what the last one was built of leaves its tables, and any change makes them anew."""

import subprocess

import duckdb
import pytest
from conftest import run_dbt
from test_faults import copied, differing  # noqa: F401

from python_ext import unchanged
from python_ext.input_check_plugin import code_of_run
from python_ext.privacy._files import rewrite_database
from python_ext.unchanged import made_of

WHOLE = ("build", "--exclude-resource-type", "test", "unit_test")


@pytest.fixture
def project(tmp_path):
    for name in ("macros/m.sql", "models/a/b.sql", "seeds/s.csv", "models/__pycache__/x.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    (tmp_path / "dbt_project.yml").write_text("vars: {identity_model: weights.json}")
    for name in ("weights.json", "raw/web/events.parquet", "raw/_truth/people.parquet"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    return tmp_path


def told(project, raw="raw", given="{}", run="complete", started="2100-01-01T09:00:00+01:00"):
    return made_of(project, str(project), raw, given, run, started)


@pytest.mark.parametrize(
    "file",
    [
        *("macros/m.sql", "models/a/b.sql", "models/a/new.yml", "seeds/s.csv", "dbt_project.yml"),
        *("selectors.yml", "weights.json", "raw/web/events.parquet", "raw/web/events/_new.parquet"),
        "list/suppression.csv",
    ],
)
def test_what_tables_are_made_of_changes_with_each_file(project, monkeypatch, file):
    monkeypatch.setenv("SEGMENTATION_PRIVACY_DIR", str(project / "list"))
    before = told(project)
    assert before is not None and before == told(project)
    (project / file).parent.mkdir(exist_ok=True)
    (project / file).write_text("vars: {identity_model: weights.json}  # other")
    assert told(project) not in (None, before)


def test_files_behind_a_link_are_seen(project):
    (project / "share").mkdir()
    (project / "raw/web/events").symlink_to(project / "share")
    before = told(project)
    (project / "share" / "new.parquet").write_text("1")
    assert told(project) != before


def test_what_tables_are_made_of_changes_with_settings_secrets_and_libraries(project, monkeypatch):
    monkeypatch.delenv("SEGMENTATION_OLD_SECRETS", raising=False)
    monkeypatch.setenv("SEGMENTATION_SECRET", "a" * 32)
    found = [told(project), told(project, given='{"seed": 1}'), told(project, run="daily")]
    found.append(told(project, started="2100-01-02T09:00:00+01:00"))
    for name in ("OBSERVABILITY", "SEGMENTATION_OLD_SECRETS", "SEGMENTATION_SECRET"):
        monkeypatch.setenv(name, "b" * 32)
        found.append(told(project))
    monkeypatch.setattr(unchanged, "distributions", list)
    found.append(told(project))
    assert len(set(found)) == len(found)


def test_what_decides_nothing_is_left_out(project):
    before = told(project)
    (project / "models/__pycache__/x.pyc").write_text("2")
    (project / "raw/_truth/people.parquet").write_text("22")
    (project / "README.md").write_text("2")
    (project / "raw").rename(project / "moved")
    later = "2100-01-01T10:00:00+01:00"
    assert told(project, raw="moved", given='{"raw_data": "moved"}', started=later) == before


def test_it_cannot_be_told_of_addresses_nor_of_code_edited_meanwhile(project):
    assert told(project, raw="s3://bucket/raw") is None
    assert told(project, given='{"raw_readers": {"csv": "read_csv(\'https://x/y.csv\')"}}') is None
    assert told(project, started="2001-01-01T09:00:00+01:00") is None


def test_code_of_a_run_is_what_the_run_found_and_its_own_where_it_was_edited(tmp_path):
    (tmp_path / "macros").mkdir()
    file = tmp_path / "macros" / "text.sql"
    file.write_text("1")
    runs = [f"2100-01-0{day}T09:00:00+00:00" for day in (1, 2, 3)]
    first = code_of_run(tmp_path, runs[0])
    file.write_text("2")
    second = code_of_run(tmp_path, runs[1])
    assert code_of_run(tmp_path, runs[0]) == first
    assert code_of_run(tmp_path, runs[2]) == second != first
    edited = [code_of_run(tmp_path, f"2001-01-0{day}T09:00:00+00:00") for day in (1, 2)]
    assert len({second, *edited}) == 3


def test_a_warehouse_that_is_rewritten_is_made_of_nothing_known(tmp_path):
    with duckdb.connect(str(tmp_path / "house.duckdb")) as connection:
        connection.execute("create table last_build as select 'x' as made_of, true as is_finished")
    following = rewrite_database(tmp_path / "house.duckdb", lambda *_: None)
    with duckdb.connect(str(following), read_only=True) as connection:
        assert connection.execute("from last_build").fetchall() == [(None, True)]


def test_second_build_leaves_the_tables_and_makes_one_that_is_gone(copied, demo_build):  # noqa: F811
    folder, raw = copied
    with duckdb.connect(str(folder / "build.duckdb")) as connection:
        connection.execute("drop table marts.customer_rfm")
        # A table that is made anew gets the comment of its model.
        connection.execute("comment on table marts.segments is 'left'")
    again = run_dbt(*WHOLE, folder=folder, raw_data=raw, lean=False, tested=True)
    assert again.returncode == 0, again.output[-3000:]
    assert "Nothing has changed since the last build" in again.output
    made = [line for line in again.output.splitlines() if " OK created " in line]
    made = [line for line in made if "incremental model" not in line and "LEFT" not in line]
    assert ["marts.customer_rfm" in line for line in made] == [True]
    assert differing(folder / "build.duckdb", demo_build.database) == []
    with duckdb.connect(str(folder / "build.duckdb"), read_only=True) as connection:
        said = "select comment from duckdb_tables() where table_name = 'segments'"
        assert connection.execute(said).fetchone() == ("left",)


def touched(folder, raw):
    (raw / "crm/consents.parquet").touch()


def by_hand(folder, raw):
    with duckdb.connect(str(folder / "build.duckdb")) as connection:
        connection.execute(
            "insert into bookkeeping.arrivals select '', '', '', 'begun', 'part', "
            "max(load_number) + 1 from bookkeeping.arrivals"
        )


def come_of_age(folder, raw):
    with duckdb.connect(str(folder / "build.duckdb")) as connection:
        connection.execute(
            "update staging.stg_email__campaigns set rejection_reason = 'future_date' "
            "where campaign_id = (select min(campaign_id) from staging.stg_email__campaigns)"
        )


@pytest.mark.parametrize("change", [touched, by_hand, come_of_age])
def test_any_change_is_seen(copied, change):  # noqa: F811
    folder, raw = copied
    change(folder, raw)
    run_dbt(
        *WHOLE,
        folder=folder,
        raw_data=raw,
        lean=False,
        tested=True,
        alone=True,
        at=("on-run-start.5", subprocess.Popen.kill),
    )
    with duckdb.connect(str(folder / "build.duckdb"), read_only=True) as connection:
        said = "select is_unchanged, is_finished from last_build"
        assert connection.execute(said).fetchone() == (False, False)
