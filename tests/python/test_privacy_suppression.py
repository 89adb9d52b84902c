"""The suppression list: keyed hashes that keep forgotten people out, and cost nothing without."""

import csv

import duckdb
import pytest
from _datasets import ROOT

from python_ext.errors import SegmentationError
from python_ext.identity import customer_key
from python_ext.input_check_plugin import Plugin
from python_ext.privacy import SEPARATOR, SuppressionList, list_problem, read_secrets
from python_ext.privacy._suppression import KINDS, add_entries, keyed_hash, normalise, secret_id

SECRET = b"a secret of today that is long enough"
OLDER = b"a secret of before that is long enough"
PERSON = [
    ("email", "Zoé.Durand@Mail.Example"),
    ("customer_id", "C0000042"),
    ("phone_and_first_name", SEPARATOR.join(("+33612345678", "Zoé"))),
    ("name_and_birth_date", SEPARATOR.join(("Zoé", "Durand-Roux", "1980-12-31"))),
]


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "privacy" / "suppression.csv"
    add_entries(file, PERSON, secret=SECRET, receipt_id="r1")
    return file


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("email", " zoé.durand@mail.example "),
        ("customer_id", " C0000042 "),
        ("phone_and_first_name", SEPARATOR.join(("06 12 34 56 78", "ZOE"))),
        ("name_and_birth_date", SEPARATOR.join(("zoe", "Durand Roux", "1980-12-31 00:00:00"))),
    ],
)
def test_a_person_is_known_again_however_it_is_written(kind, written, file):
    assert SuppressionList(file, [SECRET]).holds(kind, written)


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        ("email", "zoe.durand@mail.example"),
        ("customer_id", "C0000043"),
        ("phone_and_first_name", SEPARATOR.join(("+33612345678", "Luc"))),
        ("name_and_birth_date", SEPARATOR.join(("Zoé", "Durand-Roux", "1981-12-31"))),
        ("email", None),
        ("email", ""),
        ("phone_and_first_name", SEPARATOR.join(("", "Zoé"))),
        # A value of one kind is nothing in another.
        ("email", "C0000042"),
    ],
)
def test_another_person_is_not(kind, other, file):
    assert not SuppressionList(file, [SECRET]).holds(kind, other)


def test_the_list_holds_no_value_and_no_customer_key(file):
    content = file.read_text().lower()
    for _, value in PERSON:
        for part in value.lower().split(SEPARATOR):
            assert part not in content
    with file.open() as stream:
        digests = [row["digest"] for row in csv.DictReader(stream)]
    assert len(set(digests)) == len(PERSON)
    assert all(len(digest) == 64 for digest in digests)
    assert not any(d.startswith(customer_key("id:C0000042", secret=SECRET)) for d in digests)
    assert SECRET.decode() not in content


def test_each_kind_hashes_the_same_text_differently():
    assert len({keyed_hash(kind, "same", secret=SECRET) for kind in KINDS}) == len(KINDS)
    assert keyed_hash("email", "same", secret=SECRET) != keyed_hash("email", "same", secret=OLDER)
    assert secret_id(SECRET) != secret_id(OLDER)


def test_an_unknown_kind_is_an_error(file):
    with pytest.raises(ValueError, match="no kind"):
        normalise("shoe_size", "42")
    with pytest.raises(ValueError, match="no kind"):
        SuppressionList(file, [SECRET]).holds("shoe_size", "42")


def test_adding_again_adds_nothing(file):
    before = file.read_bytes()
    assert add_entries(file, PERSON, secret=SECRET, receipt_id="r2") == 0
    assert file.read_bytes() == before


def test_entries_of_a_former_secret_count_while_that_secret_is_given(file):
    add_entries(file, [("email", "luc@mail.example")], secret=OLDER, receipt_id="r0")
    both = SuppressionList(file, [SECRET, OLDER])
    assert both.holds("email", "luc@mail.example") and both.holds("customer_id", "C0000042")
    assert "SEGMENTATION_OLD_SECRETS" in list_problem(file, [SECRET])
    with pytest.raises(SegmentationError, match="would come back"):
        SuppressionList(file, [SECRET])


def test_old_secrets_come_from_the_environment():
    environ = {
        "SEGMENTATION_SECRET": SECRET.decode(),
        "SEGMENTATION_OLD_SECRETS": f"{OLDER.decode()}, ",
    }
    assert read_secrets(demo_secret_allowed=False, environ=environ) == (SECRET, OLDER)
    environ["SEGMENTATION_OLD_SECRETS"] = "short"
    with pytest.raises(SegmentationError, match="5 characters"):
        read_secrets(demo_secret_allowed=False, environ=environ)


def test_a_file_that_is_no_list_is_not_taken_for_an_empty_one(tmp_path):
    file = tmp_path / "suppression.csv"
    file.write_text("name\nZoé\n")
    with pytest.raises(SegmentationError, match="not a suppression list"):
        SuppressionList(file, [SECRET])


@pytest.fixture
def connection(tmp_path, monkeypatch):
    """DuckDB as dbt opens it, with the list of a folder of this test."""
    monkeypatch.setenv("SEGMENTATION_PRIVACY_DIR", str(tmp_path / "privacy"))
    monkeypatch.setenv("SEGMENTATION_SECRET", SECRET.decode())
    connection = duckdb.connect()
    Plugin("input_check", {"project_dir": str(ROOT)}).configure_connection(connection)
    yield connection
    connection.close()


ASKED = (
    "case when has_suppressions('data/mine') "
    "then is_suppressed('customer_id', value, 'data/mine', false) else false end"
)


def test_the_macro_asks_as_these_tests_do():
    macro = (ROOT / "macros" / "personal_data.sql").read_text()
    assert "when has_suppressions(" in macro and "then is_suppressed(" in macro


def test_sql_asks_the_list(connection, file):
    rows = connection.execute(
        f"select value, {ASKED} from (values ('C0000042'), ('C0000043'), (null)) as t (value)"
    ).fetchall()
    assert rows == [("C0000042", True), ("C0000043", False), (None, False)]
    add_entries(file, [("customer_id", "C0000043")], secret=SECRET, receipt_id="r2")
    assert connection.execute(f"select {ASKED} from (select 'C0000043' as value)").fetchone()[0]


def test_sql_asks_every_row_of_a_large_table(connection, file):
    found = connection.execute(
        f"select count(*) filter (where {ASKED}), count(*) from "
        "(select 'C' || lpad(cast(n as varchar), 7, '0') as value from range(100000) t (n))"
    ).fetchone()
    assert found == (1, 100_000)


def test_a_list_that_cannot_be_compared_stops_the_build(connection, file, monkeypatch):
    asked = "select suppression_problem('data/mine', false)"
    assert connection.execute(asked).fetchone() == ("",)
    monkeypatch.setenv("SEGMENTATION_SECRET", OLDER.decode())
    add_entries(file, [("email", "x@mail.example")], secret=SECRET, receipt_id="r3")
    assert "would come back" in connection.execute(asked).fetchone()[0]
    with pytest.raises(duckdb.Error, match="would come back"):
        connection.execute(f"select {ASKED} from (select 'C0000042' as value)").fetchone()


def test_without_a_list_nothing_is_asked_row_by_row(connection, tmp_path, file):
    """The engine knows the answer before it reads a row: the plan holds no call."""
    connection.execute("create table rows as select 'C' || n as value from range(1000) t (n)")

    def plan() -> str:
        query = f"explain select count(*) from rows where {ASKED}"
        return connection.execute(query).fetchall()[0][1]

    assert "is_suppressed" in plan()
    file.unlink()
    assert "is_suppressed" not in plan() and "has_suppressions" not in plan()
    assert connection.execute(f"select count(*) from rows where {ASKED}").fetchone() == (0,)
