"""The last look before publishing: it sees what a flag would hide, and nothing else."""

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from conftest import run_dbt

from python_ext.consent import FACTS, PROFILES, forbidden_rows
from python_ext.errors import SegmentationError
from python_ext.publish import publish

WAREHOUSE = """
create schema staging;
create schema intermediate;
create schema ml;
create schema marts;
create table staging.stg_crm__consents (
    customer_id varchar, purpose varchar, status varchar, recorded_at timestamp,
    rejection_reason varchar
);
create table staging.stg_email__events (
    customer_id varchar, event_name varchar, event_at timestamp, rejection_reason varchar
);
create table staging.stg_crm__customers (
    customer_id varchar, email varchar, rejection_reason varchar
);
create table ml.ml_customer_identities as
    select 'id:' || n as record_id, 'k' || n as customer_key from range(1, 6) as numbers(n)
    union all select 'id:1b', 'k1';
create table intermediate.int_as_of_date as select date '2024-06-01' as as_of_date;
create table marts.customers as select distinct customer_key from ml.ml_customer_identities;
create table marts.customer_scores as
    select customer_key, 'purchase' as target from marts.customers;
create table marts.audiences as select * from (values
    ('letter', 'email_marketing', false), ('ads', 'ad_targeting', true)
) as rows(audience, purpose, is_profiling);
create table marts.audience_members (audience varchar, customer_key varchar);
"""


@pytest.fixture
def house():
    with duckdb.connect() as connection:
        connection.execute(WAREHOUSE)
        yield connection


def decide(house, record, purpose, status, at, rejection=None):
    house.execute(
        "insert into staging.stg_crm__consents values (?, ?, ?, ?, ?)",
        [record, purpose, status, at, rejection],
    )


def found(house, basis="legitimate_interest"):
    return {
        (item.mart, item.purpose): item.customers
        for item in forbidden_rows(house, "memory", profiling_basis=basis)
    }


def test_silence_forbids_nothing_but_where_consent_is_the_basis(house):
    assert found(house) == {}
    assert found(house, "consent") == {("customer_scores", "profiling"): 5}
    decide(house, "1", "profiling", "granted", "2024-05-31 23:59:59")
    decide(house, "2", "profiling", "granted", "2024-06-01")
    assert found(house, "consent") == {("customer_scores", "profiling"): 4}


@pytest.mark.parametrize(
    ("decisions", "objectors"),
    [
        ([("1", "withdrawn", "2024-01-01")], 1),
        ([("1", "withdrawn", "2024-01-01"), ("1", "granted", "2024-01-02")], 0),
        ([("1", "withdrawn", "2024-01-01"), ("1", "granted", "2024-01-01")], 1),
        ([("1", "granted", "2024-01-01"), ("1", "withdrawn", "2024-07-01")], 1),
        ([("1", "withdrawn", "2024-01-01"), ("1", "granted", "2024-06-01")], 1),
        ([("1", "withdrawn", "2024-01-01"), ("1b", "granted", "2024-01-02")], 1),
        ([("stranger", "withdrawn", "2024-01-01")], 0),
    ],
    ids=[
        "objected",
        "granted again",
        "same instant",
        "later",
        "grant waits",
        "other record",
        "who",
    ],
)
def test_an_objection_stands_until_its_record_grants_again(house, decisions, objectors):
    for record, status, at in decisions:
        decide(house, record, "profiling", status, at)
    expected = {("customer_scores", "profiling"): 1} if objectors else {}
    assert found(house) == expected


def test_a_record_that_nobody_was_found_for_withdraws_for_whoever_has_its_address(house):
    """An hourly run has the records of the hour and the persons of the night."""
    house.execute(
        "insert into staging.stg_crm__customers values ('1', 'a@x.example', null), "
        "('1b', null, null), ('2', 'b@x.example', null), ('new', 'a@x.example', null), "
        "('set aside', 'b@x.example', 'missing_key'), ('no address', null, null), "
        "('3', 'desk@x.example', null), ('4', 'desk@x.example', null), "
        "('at the desk', 'desk@x.example', null)"
    )
    decide(house, "at the desk", "profiling", "withdrawn", "2024-05-01")
    decide(house, "set aside", "profiling", "withdrawn", "2024-05-01")
    decide(house, "no address", "profiling", "withdrawn", "2024-05-01")
    decide(house, "new", "profiling", "granted", "2024-05-01")
    assert found(house) == {} and found(house, "consent") == {("customer_scores", "profiling"): 5}
    decide(house, "new", "profiling", "withdrawn", "2024-06-01 09:00:00")
    assert found(house) == {("customer_scores", "profiling"): 1}


def test_another_purpose_forbids_no_profile(house):
    decide(house, "1", "ad_targeting", "withdrawn", "2024-01-01")
    assert found(house) == {}


@pytest.mark.parametrize(
    ("row", "counts"),
    [
        (("1", "profiling", "withdrawn", None, "unreadable_date"), True),
        (("1", "profiling", "withdrawn", "1900-01-01", "implausible_date"), True),
        (("1", "profiling", "withdrawn", "2199-01-01", "future_date"), True),
        (("1", "profiling", "withdrawn", "2024-03-01", "repeated_record"), True),
        (("1", "profiling", "withdrawn", "2024-01-01", "repeated_record"), False),
        (("1B", "profiling", "withdrawn", "2024-03-01", "unknown_customer"), True),
        ((" 01.0", "profiling", "withdrawn", "2024-03-01", "unknown_customer"), True),
        (("01", "profiling", "withdrawn", "2024-03-01", None), True),
        (("1", "sms", "withdrawn", "2024-03-01", "unknown_value"), True),
        (("1", None, "withdrawn", "2024-03-01", "unknown_value"), True),
        (("1", "profiling", "stop", "2024-03-01", "unknown_value"), True),
        (("1", "ad_targeting", "withdrawn", None, "unreadable_date"), False),
        (("1", "profiling", "granted", "2024-03-01", "repeated_record"), False),
        ((None, "profiling", "withdrawn", None, "suppressed"), False),
    ],
)
def test_a_withdrawal_that_was_set_aside_counts(house, row, counts):
    decide(house, "1", "profiling", "granted", "2024-02-01")
    decide(house, *row)
    assert found(house) == ({("customer_scores", "profiling"): 1} if counts else {})


def test_an_audience_needs_the_consent_to_its_purpose(house):
    house.execute("insert into marts.audience_members values ('letter', 'k1'), ('ads', 'k2')")
    assert found(house) == {
        ("audience_members", "email_marketing"): 1,
        ("audience_members", "ad_targeting"): 1,
    }
    decide(house, "1", "email_marketing", "granted", "2024-01-01")
    decide(house, "2", "ad_targeting", "granted", "2024-01-01")
    assert found(house) == {}
    house.execute(
        "insert into staging.stg_email__events values ('1', 'unsubscribe', '2024-07-01', null)"
    )
    assert found(house) == {("audience_members", "email_marketing"): 1}


def test_a_mart_nobody_has_thought_of_is_taken_for_a_profile(house):
    house.execute("create table marts.customer_mood as select 'k3' as customer_key, 'glad' as mood")
    decide(house, "3", "profiling", "withdrawn", "2024-01-01")
    assert ("customer_mood", "profiling") in found(house)


def test_an_unknown_basis_is_told(house):
    with pytest.raises(SegmentationError, match="legitimate_interest or consent"):
        forbidden_rows(house, "memory", profiling_basis="opt-out")


def slow_state(decisions, instant):
    """Granted or not, None before any decision: straight from the words of the definition."""
    latest = {}
    for record, at, status in decisions:
        if at <= instant:
            latest.setdefault(record, []).append((at, status == "withdrawn"))
    if not latest:
        return None
    return not any(max(states)[1] for states in latest.values())


def test_the_periods_agree_with_a_slow_reading_at_every_instant(demo_build):
    """Every period of the built model, and each instant between two decisions of the demo."""
    decisions = demo_build.rows(
        "select customer_key, purpose, record_id, recorded_at, status from ("
        " select customer_id, purpose, recorded_at, status from staging.stg_crm__consents"
        " where rejection_reason is null"
        " union all select customer_id, 'email_marketing', event_at, 'withdrawn'"
        " from staging.stg_email__events"
        " where event_name = 'unsubscribe' and rejection_reason is null"
        " union all select customer_id, purpose, case when rejection_reason not in"
        " ('unreadable_date', 'implausible_date') then recorded_at else as_of_date end, status"
        " from staging.stg_crm__consents cross join intermediate.int_as_of_date"
        " where rejection_reason is not null and status = 'withdrawn'"
        " union all select customer_id, 'email_marketing', case when rejection_reason not in"
        " ('unreadable_date', 'implausible_date') then event_at else as_of_date end, 'withdrawn'"
        " from staging.stg_email__events cross join intermediate.int_as_of_date"
        " where rejection_reason is not null and event_name = 'unsubscribe'"
        ") inner join ml.ml_customer_identities on record_id = 'id:' || customer_id"
    )
    periods = demo_build.rows(
        "select customer_key, purpose, valid_from, valid_to, is_granted "
        "from intermediate.int_consents_over_time"
    )
    by_person, spans = {}, {}
    for key, purpose, record, at, status in decisions:
        by_person.setdefault((key, purpose), []).append((record, at, status))
    for key, purpose, since, until, is_granted in periods:
        spans.setdefault((key, purpose), []).append((since, until, is_granted))
    assert set(spans) == set(by_person) and len(spans) > 500
    assert sum(len(span) > 1 for span in spans.values()) > 20
    for person, listed in by_person.items():
        for at in {at for _, at, _ in listed}:
            for instant in (at, at + timedelta(microseconds=1), at - timedelta(microseconds=1)):
                states = [
                    is_granted
                    for since, until, is_granted in spans[person]
                    if since <= instant and (until is None or instant < until)
                ]
                expected = slow_state(listed, instant)
                assert states == ([] if expected is None else [expected]), person


def test_every_mart_about_people_is_a_profile_or_a_fact(demo_build):
    marts = {
        name
        for (name,) in demo_build.rows(
            "select table_name from information_schema.columns "
            "where table_schema = 'marts' and column_name = 'customer_key'"
        )
    }
    assert marts == set(PROFILES) | FACTS


def test_objectors_are_counted_and_nothing_else(demo_build):
    objectors = demo_build.rows("select count(*) from marts.customers where not may_be_profiled")[
        0
    ][0]
    assert objectors > 5
    inside = "customer_key in (select customer_key from marts.customers where not may_be_profiled)"
    assert demo_build.rows(
        "select segment_id, segment, count(*) from marts.customer_segments "
        f"where {inside} group by all"
    ) == [(-1, "Not profiled", objectors)]
    assert demo_build.rows(
        "select count(*) from marts.customer_segments where segment_id = -1"
    ) == [(objectors,)]
    # Their purchases are in the revenue of all.
    assert demo_build.rows(
        f"select sum(monetary) > 0, count(r_score) from marts.customer_rfm where {inside}"
    ) == [(True, 0)]
    for table in ("ml.ml_customer_clusters", "ml.ml_propensity_scores", "marts.customer_scores"):
        assert demo_build.rows(f"select count(*) from {table} where {inside}") == [(0,)], table
    # The segments were fitted on all the others who bought, and on nobody else.
    assert demo_build.rows(
        "select count(*) filter (may_be_profiled) = (select max(fitted_rows) "
        "from marts.segment_quality), count(*) filter (not may_be_profiled) > 0 "
        "from intermediate.int_customer_features where cutoff_name = 'score'"
    ) == [(True, True)]


def test_every_learner_is_fed_only_who_may_be_profiled():
    """Each reading of the features by a model names the gate."""
    for file in Path("models/ml").rglob("ml_*.py"):
        text = file.read_text()
        reads = text.count('dbt.ref("int_customer_features")')
        assert text.count("may_be_profiled") >= reads, file


def test_consents_are_no_feature():
    lines = Path("seeds/reference/feature_definitions.csv").read_text().splitlines()
    names = {line.split(",")[0] for line in lines}
    assert "frequency" in names
    assert not {name for name in names if "consent" in name or "may_be" in name}


@pytest.fixture
def planted(demo_build, tmp_path):
    """A copy of the demo's warehouse and results, to plant in and publish from."""
    database = tmp_path / demo_build.database.name
    shutil.copyfile(demo_build.database, database)
    results = tmp_path / "target"
    results.mkdir()
    for name in ("run_results.json", "manifest.json"):
        shutil.copyfile(demo_build.target / name, results / name)
    return database, tmp_path / "publish", results / "run_results.json"


@pytest.mark.parametrize(
    ("purpose", "mart"),
    [
        ("profiling", "customer_scores"),
        ("email_marketing", "audience_members"),
        ("ad_targeting", "audience_members"),
    ],
)
def test_a_consent_withdrawn_after_the_build_stops_publishing(planted, purpose, mart):
    database, out_dir, results = planted
    published = publish(database, out_dir, results, project_dir=Path.cwd())
    assert published.rows["audience_members"] > 0
    before = (out_dir / "segments.duckdb").read_bytes()
    with duckdb.connect(str(database)) as connection:
        wanted = (
            "select customer_key from marts.customer_scores"
            if purpose == "profiling"
            else "select customer_key from marts.audience_members inner join marts.audiences "
            f"using (audience) where purpose = '{purpose}'"
        )
        (record,) = connection.execute(
            "select min(record_id) from ml.ml_customer_identities "
            f"where record_id like 'id:%' and customer_key in ({wanted})"
        ).fetchone()
        connection.execute(
            "insert into staging.stg_crm__consents (consent_event_id, occurrence, customer_id, "
            "purpose, status, recorded_at) values ('planted', 1, ?, ?, 'withdrawn', ?)",
            [record.removeprefix("id:"), purpose, datetime(2999, 1, 1)],
        )
    with pytest.raises(SegmentationError, match=rf"{mart} \(consent to {purpose}\)") as refused:
        publish(database, out_dir, results, project_dir=Path.cwd())
    assert record not in str(refused.value)
    assert (out_dir / "segments.duckdb").read_bytes() == before


@pytest.mark.parametrize("purpose", ["profiling", "email_marketing", "everything"])
def test_a_withdrawal_that_was_set_aside_turns_the_build_red_and_stops_publishing(
    planted, demo_build, purpose
):
    """Its date cannot be read and the number is typed another way: it is a withdrawal."""
    database, out_dir, results = planted
    manifest = json.loads((demo_build.target / "manifest.json").read_text())
    compiled = {node["name"]: node.get("compiled_code") for node in manifest["nodes"].values()}
    expected = {
        "nobody_is_profiled_against_their_will": purpose != "email_marketing",
        "nobody_is_mailed_without_consent": purpose != "profiling",
    }
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            "insert into staging.stg_crm__consents (consent_event_id, occurrence, customer_id, "
            "purpose, status, rejection_reason) select 'planted', 1, "
            "lower('0' || substr(min(record_id), 4)), ?, 'withdrawn', 'unreadable_date' "
            "from ml.ml_customer_identities where record_id like 'id:%' and customer_key in "
            "(select customer_key from marts.audience_members where audience = 'newsletter') "
            "and customer_key in (select customer_key from marts.customer_scores)",
            [purpose],
        )
        red = {name: bool(connection.execute(compiled[name]).fetchall()) for name in expected}
    assert red == expected
    with pytest.raises(SegmentationError, match="Nothing was published: the present consents"):
        publish(database, out_dir, results, project_dir=Path.cwd())


def test_a_mistake_in_the_flag_turns_the_build_red_and_stops_publishing(planted, demo_build):
    """may_be_profiled says yes of an objector: the test and the publish do not believe it."""
    database, out_dir, results = planted
    manifest = json.loads((demo_build.target / "manifest.json").read_text())
    test = next(
        node
        for node in manifest["nodes"].values()
        if node["name"] == "nobody_is_profiled_against_their_will"
    )
    with duckdb.connect(str(database)) as connection:
        assert connection.execute(test["compiled_code"]).fetchall() == []
        connection.execute(
            "insert into marts.customer_scores select objector.customer_key, score.* exclude "
            "(customer_key) from (select min(customer_key) as customer_key from marts.customers "
            "where not may_be_profiled) as objector, (select * from marts.customer_scores limit 1) "
            "as score; update marts.customers set may_be_profiled = true"
        )
        assert len(connection.execute(test["compiled_code"]).fetchall()) == 1
    with pytest.raises(SegmentationError, match="1 rows of 1 customers in customer_scores"):
        publish(database, out_dir, results, project_dir=Path.cwd())


def test_an_unknown_basis_stops_the_build(tmp_path, demo_data):
    build = run_dbt(
        "parse", folder=tmp_path, raw_data=demo_data, variables={"profiling_basis": "opt_out"}
    )
    assert build.returncode != 0
    assert "write legitimate_interest" in build.output
