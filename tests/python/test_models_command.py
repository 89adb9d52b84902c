"""`segmentation models`, and the rollback of a champion in a real warehouse."""

import hashlib

import duckdb
import pandas as pd
import pytest
import skops.io
from click.testing import CliRunner
from conftest import run_dbt
from test_registry import AS_OF, LATER, champion, make_input, put, run

from python_ext import frames, propensity
from python_ext.cli import main


def write(rows, database):
    """The registry as a build stores it."""
    stored = frames.typed_table(rows, propensity.MODELS_SCHEMA)
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema if not exists ml")
        connection.execute("create or replace table ml.ml_propensity_models as from stored")
        assert connection.sql("from ml.ml_propensity_models").shape[0] == stored.num_rows


def read(database):
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.sql("from ml.ml_propensity_models order by all").df()


@pytest.fixture(scope="module")
def replaced():
    """A champion of one month, and that of the next which replaced it."""
    first = run(make_input())
    return put(first, run(make_input(LATER, seed=1, strength=-1.5), first, as_of=LATER))


@pytest.fixture
def database(replaced, tmp_path):
    write(replaced, tmp_path / "build.duckdb")
    return tmp_path / "build.duckdb"


def command(*arguments):
    return CliRunner().invoke(main, ["models", *map(str, arguments)])


def test_stored_models_are_listed_the_latest_first(replaced, database):
    said = command("list", "--database", database)
    assert said.exit_code == 0
    lines = said.output.splitlines()[1:]
    stored = replaced[replaced["artefact"].notna()]
    assert {line.split()[0] for line in lines} == set(stored["model_id"])
    assert lines[0].split()[3] == "champion" and str(LATER) in lines[0]


def test_an_exported_model_is_the_stored_one_and_passes_the_check(replaced, database, tmp_path):
    row = champion(replaced[replaced["as_of_date"] == LATER])
    out = tmp_path / "folder" / "model.skops"
    said = command("export", row["model_id"], "--out", out, "--database", database)
    assert said.exit_code == 0, said.output
    assert out.read_bytes() == row["artefact"]
    assert command("check", out).output.startswith(f"{out} is the model {row['model_id']}")
    assert command("check", out, "--sha256", row["artefact_sha256"].upper()).exit_code == 0


def test_a_file_that_is_not_what_was_exported_is_refused(replaced, database, tmp_path):
    row = champion(replaced[replaced["as_of_date"] == LATER])
    out = tmp_path / "model.skops"
    command("export", row["model_id"], "--out", out, "--database", database)
    content = bytearray(out.read_bytes())
    content[100] ^= 1
    out.write_bytes(bytes(content))
    said = command("check", out)
    assert said.exit_code == 1 and "is refused: it was changed after it was exported" in said.output
    foreign = tmp_path / "foreign.skops"
    foreign.write_bytes(skops.io.dumps({"format": "another"}))
    digest = hashlib.sha256(foreign.read_bytes()).hexdigest()
    said = command("check", foreign, "--sha256", digest)
    assert said.exit_code == 1 and "is refused: " in said.output
    assert "--sha256" in command("check", foreign).output
    assert command("check", tmp_path / "none").exit_code == 2


def test_what_is_not_there_is_told(database, tmp_path):
    said = command("export", "nothing", "--database", database)
    assert said.exit_code == 1 and "`segmentation models list`" in said.output
    assert "build first" in command("list", "--database", tmp_path / "none.duckdb").output
    with duckdb.connect(str(tmp_path / "old.duckdb")) as connection:
        connection.execute("create table other (a integer)")
    assert "build first" in command("list", "--database", tmp_path / "old.duckdb").output


def test_a_tampered_model_is_not_exported(replaced, tmp_path):
    where = replaced.index[replaced["is_champion"]][-1]
    tampered = replaced.copy()
    tampered.at[where, "artefact"] = b"other bytes"
    write(tampered, tmp_path / "build.duckdb")
    said = command(
        *("export", replaced.at[where, "model_id"], "--out", tmp_path / "model"),
        *("--database", tmp_path / "build.duckdb"),
    )
    assert said.exit_code == 1 and "was altered after it was written" in said.output
    assert not (tmp_path / "model").exists()


def rollback(arguments, folder, demo_data):
    return run_dbt(
        *("run-operation", "rollback_model", "--args", arguments),
        folder=folder,
        raw_data=demo_data,
    )


def test_a_champion_is_taken_back_by_one_command(replaced, database, tmp_path, demo_data):
    old, new = (champion(replaced[replaced["as_of_date"] == day]) for day in (AS_OF, LATER))
    before = read(database)
    runs = (
        "select settings, version from bookkeeping.arrivals where model = '' and source_table = '' "
        "order by load_number"
    )
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema bookkeeping")
        connection.execute(
            "create table bookkeeping.arrivals as select '' as model, '' as source_table, "
            "'' as file, 'passed' as version, 'complete' as settings, 1 as load_number"
        )
    done = rollback("{target: purchase}", tmp_path, demo_data)
    with duckdb.connect(str(database), read_only=True) as connection:
        # What describes the champion is of the one before: only a whole build makes up for it.
        noted = connection.execute(runs).fetchall()
    assert noted == [("complete", "passed"), ("part", "begun")]
    assert done.returncode == 0, done.output[-2000:]
    assert f"{old['model_id']} is champion again, {new['model_id']} is withdrawn" in done.output
    after = read(database)
    assert len(after) == len(before)
    # Earlier runs are as they were.
    day = pd.Timestamp(LATER)
    for table in (before, after):
        table["as_of_date"] = pd.to_datetime(table["as_of_date"])
    pd.testing.assert_frame_equal(
        after[after["as_of_date"] < day], before[before["as_of_date"] < day]
    )
    models = after[after["as_of_date"] == day].set_index("model_id")
    restored, withdrawn = models.loc[old["model_id"]], models.loc[new["model_id"]]
    assert (restored["role"], restored["decision"]) == ("champion", "rolled_back")
    assert restored["is_champion"] and pd.isna(restored["retired_on"])
    assert restored["promoted_on"] == pd.Timestamp(AS_OF)
    assert (withdrawn["role"], withdrawn["is_champion"]) == ("withdrawn", False)
    assert withdrawn["retired_on"] == day and "withdrawn by rollback_model" in withdrawn["reason"]
    others = models.drop(index=[old["model_id"], new["model_id"]])
    was = before[before["as_of_date"] == day].set_index("model_id").loc[others.index]
    pd.testing.assert_frame_equal(others, was)
    # The next build scores with it, and does not promote the other one again.
    turned = make_input(LATER, seed=1, strength=-1.5)
    assert champion(run(turned, after, as_of=LATER))["model_id"] == old["model_id"]
    only = {"algorithms": ["logistic_regression"], "retrain": "always"}
    again = run(turned, after, as_of=LATER, **only)
    assert champion(again)["model_id"] != new["model_id"]
    assert again.set_index("model_id").loc[new["model_id"], "role"] == "withdrawn"

    # There is no champion left to go back to; by its name the withdrawn one comes back.
    refused = rollback("{target: purchase}", tmp_path, demo_data)
    assert refused.returncode != 0
    said = " ".join(refused.output.split())
    assert f"no champion before {old['model_id']} to go back to" in said
    assert new["model_id"] in said and "Nothing was changed" in said
    named = f"{{target: purchase, model_id: '{new['model_id']}'}}"
    assert rollback(named, tmp_path, demo_data).returncode == 0
    latest = propensity.Champions.load(read(database))
    assert latest.models["purchase"].model_id == new["model_id"]
