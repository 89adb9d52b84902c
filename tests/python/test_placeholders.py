"""Values that stand for a missing one join nobody: those of the list, and those that many share."""

from datetime import date

import duckdb
import pandas as pd
import pytest
from _datasets import ROOT

from python_ext import identity
from python_ext.identity._records import ATTRIBUTES, PREPARED, connect, prepare

SEED = ROOT / "seeds" / "reference" / "placeholder_values.csv"
LIMIT = 5


@pytest.fixture(scope="module")
def model():
    return identity.load_model()


def prepared(**columns):
    """What `prepare` keeps of records that hold these lists of values."""
    frame = pd.DataFrame(columns)
    frame = frame.assign(record_id=[f"id:{n:05d}" for n in range(len(frame))])
    with connect() as connection:
        prepare(connection, frame, max_records_per_key=LIMIT)
        names = ", ".join(ATTRIBUTES)
        return connection.execute(f"select {names} from {PREPARED} order by unique_id").df()


def linked(frame, model, *pairs):
    """Decisions over pairs that share a key."""
    links = pd.DataFrame(pairs, columns=["record_id_a", "record_id_b", "rule", "records_with_key"])
    return identity.link_records(
        frame,
        links,
        model=model,
        match_threshold=0.85,
        max_records_per_key=LIMIT,
        max_records_per_person=20,
    )


def test_the_list_is_folded_and_has_no_value_twice():
    rows = pd.read_csv(SEED, dtype=str, keep_default_na=False)
    folded = rows["spelling"].str.fullmatch("[a-z0-9]+( [a-z0-9]+)*")
    assert folded.all(), rows[~folded]
    assert not rows.duplicated().any()
    assert set(rows["domain"]) == {"email", "phone", "name", "address"}
    phones = rows.loc[rows["domain"].eq("phone"), "spelling"]
    assert phones.str.fullmatch("33[1-9][0-9]{8}").all(), phones
    assert not rows.loc[rows["domain"].eq("email"), "spelling"].str.contains(" ").any()


def test_an_address_without_a_number_that_many_share_is_none():
    many = LIMIT + 1
    found = prepared(
        address=["A voir"] * many + ["Le Bourg"] * LIMIT,
        postcode=[f"{n:05d}" for n in range(many + LIMIT)],
    )
    assert found["address"].tolist() == [None] * many + ["le bourg"] * LIMIT


def test_a_house_with_a_number_stays_an_address_however_many_live_in_it():
    many = LIMIT + 1
    found = prepared(address=["2 rue de la Gare"] * many, postcode=["75001"] * many)
    assert found["address"].tolist() == ["2 rue de la gare"] * many


@pytest.mark.parametrize(("times", "is_kept"), [(LIMIT, True), (9 * LIMIT, False)])
def test_a_birth_date_far_more_frequent_than_dates_are_is_none(times, is_kept):
    dates = [date(1990, 1, 1 + n) for n in range(30)] + [date(1980, 1, 1)] * times
    found = prepared(birth_on=dates)["birth_on"]
    assert found.iloc[:30].notna().all()
    assert found.iloc[30:].notna().all() if is_kept else found.iloc[30:].isna().all()


def test_in_a_large_base_the_usual_date_is_held_by_many():
    dates = [date(1990, 1, 1 + n % 20) for n in range(20 * 3 * LIMIT)]
    assert prepared(birth_on=dates)["birth_on"].notna().all()


@pytest.mark.parametrize(("others", "is_accepted"), [(0, True), (30, False)])
def test_what_many_share_is_no_evidence_for_two_of_one_name(model, others, is_accepted):
    """Two Marie Martin of one birth date and address: one person, unless 30 others share both."""
    first = ["Jeanne", "Louis", "Agnès", "Hugo", "Inès", "Bruno", "Zoé", "Loïc"]
    last = ["Roche", "Petit", "Garnier", "Fabre", "Noël", "Vidal", "Picard", "Aubert"]
    people = [
        {
            "first_name": first[n % 8],
            "last_name": last[n // 8],
            "birth_on": date(1980, 1, 1) if n < others else date(1950 + n, 5, 1),
            "address": "A voir" if n < others else f"{n} rue de la Gare",
            "postcode": f"{10 + n}000",
        }
        for n in range(64)
    ]
    same = {"first_name": "Marie", "last_name": "Martin", "birth_on": date(1980, 1, 1)}
    people += [{**same, "address": "A voir", "postcode": code} for code in ("35000", "69003")]
    frame = pd.DataFrame(people)
    frame = frame.assign(record_id=[f"id:{n:02d}" for n in range(len(frame))])
    links = linked(frame, model)
    both = links["record_id_a"].eq("id:64") & links["record_id_b"].eq("id:65")
    assert links[both]["is_accepted"].any() == is_accepted


@pytest.mark.parametrize(
    ("married", "is_accepted"), [(True, True), (False, False)], ids=["one person's", "shared"]
)
def test_an_email_known_to_be_shared_does_not_join_two_last_names(model, married, is_accepted):
    """Céline Meyer and Céline Rivière: a marriage, unless Paul has the e-mail as well."""
    rows = [
        {"record_id": "id:1", "first_name": "Céline", "last_name": "Meyer"},
        {"record_id": "id:2", "first_name": "Céline", "last_name": "Rivière"},
        {"record_id": "id:3", "first_name": "Paul", "last_name": "Gautier"},
    ][: 2 if married else 3]
    frame = pd.DataFrame(rows).assign(email="a@a.example")
    pairs = [
        (a["record_id"], b["record_id"], "same_email", len(rows))
        for n, a in enumerate(rows)
        for b in rows[n + 1 :]
    ]
    links = linked(frame, model, *pairs)
    wanted = links["record_id_a"].eq("id:1") & links["record_id_b"].eq("id:2")
    assert links[wanted]["is_accepted"].any() == is_accepted


def test_a_switchboard_is_counted_by_its_number_and_not_by_first_names():
    sql = (ROOT / "models/intermediate/identity/int_identity_links.sql").read_text()
    sql = sql.replace("{{ ref('int_identity_records') }}", "records")
    sql = sql.replace("{{ var('max_records_per_key') }}", str(LIMIT))
    with duckdb.connect() as connection:
        connection.register(
            "records",
            pd.DataFrame(
                {
                    "record_id": [f"id:{n:02d}" for n in range(LIMIT + 1)],
                    "email": pd.Series([None] * (LIMIT + 1), dtype=str),
                    "phone": "+33140203040",
                    "first_name_folded": ["aurelie", "aurelie", *"abcdefgh"][: LIMIT + 1],
                }
            ),
        )
        found = connection.execute(sql).fetchall()
    assert found == [("id:00", "id:01", "same_phone_and_first_name", LIMIT + 1)]
