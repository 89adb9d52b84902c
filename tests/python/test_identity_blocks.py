"""Which pairs of records are compared: none that counts is left out, none of a crowd is made."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from python_ext import identity
from python_ext.identity import _blocks
from python_ext.identity._matching import CANDIDATE_FLOOR, score_pairs
from python_ext.identity._records import connect, prepare

FIRST = ("marie", "jean", "lea", "leo", "camille", "nicolas", "martine", "alexandre", "zelie")
LAST = ("martin", "martinez", "bernard", "petit", "moreau", "vauquelin", "roux", "roy")
CITIES = (("35000", "rennes"), ("35200", "rennes"), ("69003", "lyon"), ("69300", "caluire"))


def mistyped(text, rng):
    """The text, one time in three with a letter changed, left out, doubled or swapped."""
    if text is None or rng.random() > 1 / 3:
        return text
    at = int(rng.integers(len(text) - 1))
    here, following = text[at], text[at + 1]
    faults = (
        ("x", 1),
        ("", 1),
        (here + here, 1),
        (following + here, 2),
    )
    written, letters = faults[rng.integers(len(faults))]
    return text[:at] + written + text[at + letters :]


@pytest.fixture(scope="module")
def people():
    """400 people with two records each, every field of the second mistyped or empty at times."""
    rng = np.random.default_rng(1)
    rows = []
    for number in range(400):
        postcode, city = CITIES[rng.integers(len(CITIES))]
        first, last = FIRST[rng.integers(len(FIRST))], LAST[rng.integers(len(LAST))]
        person = {
            "first_name": first,
            "last_name": last,
            "email": f"{first}.{last}{rng.integers(99)}@mail.example",
            "phone": f"+336{rng.integers(10**8):08}",
            "address": f"{rng.integers(1, 90)} rue {LAST[rng.integers(len(LAST))]}",
            "postcode": postcode,
            "city": city,
            "birth_on": str(pd.Timestamp("1950-01-01") + pd.Timedelta(days=rng.integers(18000)))[
                :10
            ],
        }
        rows.append({"record_id": f"id:{number}a", **person})
        again = {
            column: None if rng.random() < 0.2 else mistyped(value, rng)
            for column, value in person.items()
            if column not in ("birth_on", "postcode")
        }
        if rng.random() < 0.2:
            again["first_name"], again["last_name"] = again["last_name"], again["first_name"]
        rows.append({"record_id": f"id:{number}b", **person, **again})
    return pd.DataFrame(rows)


def pairs(records):
    with connect() as connection:
        prepare(connection, records, max_records_per_key=20)
        scored = score_pairs(connection, model=identity.load_model())
        made = connection.execute("select count(*) from likely_pairs").fetchone()[0]
    return scored, made


def test_no_pair_that_reaches_the_floor_is_left_out(people, monkeypatch):
    likely, compared = pairs(people)
    monkeypatch.setattr(_blocks, "_MARGIN_BITS", 1000)
    every, compared_of_every = pairs(people)
    pd.testing.assert_frame_equal(likely, every)
    assert likely["weight"].min() >= CANDIDATE_FLOOR
    # It would be no use if it left out none.
    assert len(likely) <= compared < compared_of_every / 2


@pytest.mark.parametrize("more, found", [(0, 100 * 99 / 2), (1, 0)])
def test_a_crowd_makes_no_pairs(monkeypatch, more, found):
    monkeypatch.setattr(_blocks, "_MARGIN_BITS", 1000)
    rows = _blocks.MOST_IN_A_BLOCK + more
    letters = [chr(97 + number // 26) + chr(97 + number % 26) for number in range(rows)]
    crowd = pd.DataFrame(
        {
            "record_id": [f"id:{number:03}" for number in range(rows)],
            "first_name": [f"{pair}first" for pair in letters],
            "last_name": [f"{pair}last" for pair in letters],
            "birth_on": "1980-01-02",
        }
    )
    assert pairs(crowd)[1] == found


def test_two_comparisons_spill_to_folders_of_their_own(monkeypatch, tmp_path):
    monkeypatch.setenv("SEGMENTATION_SPILL_DIRECTORY", str(tmp_path / "spill"))
    query = "select current_setting('temp_directory')"
    with connect() as one, connect() as other:
        folders = {Path(each.execute(query).fetchone()[0]) for each in (one, other)}
        assert len(folders) == 2
        assert {folder.parent for folder in folders} == {tmp_path / "spill"}
    assert not list((tmp_path / "spill").iterdir())
