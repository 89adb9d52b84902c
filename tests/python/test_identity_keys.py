"""The memory of keys: a known person keeps the key, merges and splits are remembered."""

from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from python_ext import frames, identity

SECRET = b"a secret of a test"
FIRST, SECOND, THIRD = date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)


def key(name):
    return identity.customer_key(name, secret=SECRET)


def grouped(seen, *groups):
    """Records with the day they were first seen, joined into groups."""
    records = pd.DataFrame({"record_id": list(seen), "first_seen_at": list(seen.values())})
    records = records.assign(source_name="crm.customers", source_record_id=records["record_id"])
    pairs = [(a, b, "same_email", 1.0, True) for group in groups for a, b in pairwise(group)]
    links = pd.DataFrame(
        pairs, columns=["record_id_a", "record_id_b", "rule", "weight", "is_accepted"]
    )
    return records, links


def build(seen, *groups, memory=None, as_of=FIRST):
    """One build: the memory after it, and the key of each record."""
    records, links = grouped(seen, *groups)
    memory = identity.remember_keys(
        identity.group_records(records, links, secret=SECRET), memory, as_of=as_of
    )
    # As the warehouse gives it back.
    memory = frames.typed_table(memory, identity.KEYS_SCHEMA).to_pandas()
    persons = identity.resolve_identities(records, links, secret=SECRET, remembered=memory)
    return memory, persons.set_index("record_id")["customer_key"].to_dict()


KNOWN = {"id:m": "2024-01-01", "id:n": "2024-01-02"}


def test_the_first_build_gives_the_keys_of_the_rule_without_memory():
    records, links = grouped({**KNOWN, "guest:g": "2020-01-01"}, ["id:m", "guest:g"])
    _, keys = build({**KNOWN, "guest:g": "2020-01-01"}, ["id:m", "guest:g"])
    without = identity.resolve_identities(records, links, secret=SECRET)
    assert keys == without.set_index("record_id")["customer_key"].to_dict()
    assert keys == {"id:m": key("id:m"), "guest:g": key("id:m"), "id:n": key("id:n")}


@pytest.mark.parametrize("newcomer", ["id:a", "guest:a", "id:z"])
@pytest.mark.parametrize("seen", ["2019-01-01", "2024-05-05", None])
def test_a_new_record_even_an_earlier_one_leaves_the_key(newcomer, seen):
    memory, _ = build(KNOWN)
    later, keys = build({**KNOWN, newcomer: seen}, ["id:m", newcomer], memory=memory, as_of=SECOND)
    assert keys["id:m"] == keys[newcomer] == key("id:m")
    assert later["is_current"].all()
    assert later.set_index("record_key")["known_from_on"].to_dict() == {
        key("id:m"): FIRST,
        key("id:n"): FIRST,
        key(newcomer): SECOND,
    }


def test_when_two_turn_out_to_be_one_the_longest_known_key_stays():
    memory, _ = build({"id:z": "2024-01-05"})
    memory, _ = build({"id:z": "2024-01-05", "id:a": "2020-01-01"}, memory=memory, as_of=SECOND)
    memory, keys = build(
        {"id:z": "2024-01-05", "id:a": "2020-01-01"}, ["id:a", "id:z"], memory=memory, as_of=THIRD
    )
    assert set(keys.values()) == {key("id:z")}
    old = memory[~memory["is_current"]]
    assert old[["record_key", "customer_key", "assigned_on"]].values.tolist() == [
        [key("id:a"), key("id:a"), SECOND]
    ]
    now = memory[memory["is_current"]].set_index("record_key")["assigned_on"].to_dict()
    assert now == {key("id:z"): FIRST, key("id:a"): THIRD}


def test_of_two_equally_long_known_the_first_by_precedence_stays():
    memory, _ = build(KNOWN)
    _, keys = build(KNOWN, ["id:m", "id:n"], memory=memory, as_of=SECOND)
    assert set(keys.values()) == {key("id:m")}


def test_on_a_split_the_part_with_the_record_that_gave_the_key_keeps_it():
    seen = {"id:m": "2024-01-01", "id:n": "2024-01-02", "id:o": "2024-01-03"}
    memory, keys = build(seen, ["id:m", "id:n", "id:o"])
    assert set(keys.values()) == {key("id:m")}
    memory, keys = build(seen, ["id:n", "id:o"], memory=memory, as_of=SECOND)
    assert keys == {"id:m": key("id:m"), "id:n": key("id:n"), "id:o": key("id:n")}
    assert len(memory) == 5 and memory["is_current"].sum() == 3


def test_a_merge_that_is_undone_gives_the_old_keys_back():
    memory, before = build(KNOWN)
    memory, _ = build(KNOWN, ["id:m", "id:n"], memory=memory, as_of=SECOND)
    memory, after = build(KNOWN, memory=memory, as_of=THIRD)
    assert before == after
    assert memory.groupby("record_key")["is_current"].sum().eq(1).all()


def test_the_key_outlives_the_record_that_gave_it():
    memory, _ = build(KNOWN, ["id:m", "id:n"])
    memory, keys = build({"id:n": "2024-01-02"}, memory=memory, as_of=SECOND)
    assert keys == {"id:n": key("id:m")}
    # It comes back alone, and what it gave is in use elsewhere.
    memory, keys = build(KNOWN, memory=memory, as_of=THIRD)
    assert keys["id:m"] != keys["id:n"]
    assert keys["id:m"] == key("id:m")


def test_a_rebuild_of_the_same_changes_nothing():
    seen = {**KNOWN, "id:o": None, "guest:g": "2020-01-01"}
    memory, keys = build(seen, ["id:m", "guest:g"])
    memory, keys = build(seen, ["id:m", "id:n"], memory=memory, as_of=SECOND)
    again, same = build(seen, ["id:m", "id:n"], memory=memory, as_of=SECOND)
    pd.testing.assert_frame_equal(memory, again)
    assert keys == same


def test_no_two_persons_ever_share_a_key():
    """Random merges and splits over many builds."""
    rng = np.random.default_rng(7)
    memory = None
    for step in range(40):
        names = [f"id:{k:02d}" for k in rng.choice(30, size=24, replace=False)]
        groups = np.array_split(rng.permutation(names), rng.integers(6, 20))
        memory, keys = build(
            {name: "2024-01-01" for name in names},
            *[list(group) for group in groups],
            memory=memory,
            as_of=date(2024, 1, 1 + step % 28),
        )
        found = [{keys[name] for name in group} for group in groups if len(group)]
        assert all(len(of_group) == 1 for of_group in found)
        assert len(set().union(*found)) == len(found)


def test_a_memory_of_other_records_is_refused():
    memory, _ = build(KNOWN)
    records, links = grouped({**KNOWN, "id:x": None})
    with pytest.raises(ValueError, match="1 records are not in it"):
        identity.resolve_identities(records, links, secret=SECRET, remembered=memory)


def test_memory_holds_no_readable_identifier():
    memory, _ = build({"guest:zoe@x.example": None, "id:C0000001": None})
    assert memory["record_key"].str.fullmatch("[0-9a-f]{32}").all()
    assert memory["customer_key"].str.fullmatch("[0-9a-f]{32}").all()
