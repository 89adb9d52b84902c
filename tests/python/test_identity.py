"""Transitive closure and the keyed hash."""

import hashlib
import hmac
import time

import numpy as np
import pandas as pd
import pytest

from python_ext import frames, identity

SECRET = b"a secret of a test"


def records(*ids):
    return pd.DataFrame(
        {
            "record_id": list(ids),
            "source_name": "crm.customers",
            "source_record_id": list(ids),
            "first_seen_at": pd.NaT,
        }
    )


def links(*rows):
    columns = ["record_id_a", "record_id_b", "rule", "weight", "is_accepted"]
    return pd.DataFrame(list(rows), columns=columns)


def resolve(ids, rows):
    persons = identity.resolve_identities(records(*ids), links(*rows), secret=SECRET)
    return persons.set_index("record_id")


def test_key_equals_the_standard_library_and_a_published_vector():
    expected = hmac.new(SECRET, b"id:1", hashlib.sha256).hexdigest()[:32]
    assert identity.customer_key("id:1", secret=SECRET) == expected
    # RFC 4231, test case 2
    vector = identity.customer_key("what do ya want for nothing?", secret=b"Jefe")
    assert vector == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"[:32]


def test_a_chain_is_one_person():
    ids = [f"id:{i}" for i in "edcba"]
    chain = [(a, b, "email", 1.0, True) for a, b in zip(ids, ids[1:], strict=False)]
    persons = resolve([*ids, "guest:x"], chain)
    assert persons.loc[ids, "customer_key"].nunique() == 1
    assert persons.loc["id:a", "customer_key"] == identity.customer_key("id:a", secret=SECRET)
    assert persons.loc[ids, "cluster_size"].eq(5).all()
    assert persons.index[persons["is_representative"]].tolist() == ["guest:x", "id:a"]
    alone = persons.loc["guest:x"]
    assert (alone["cluster_size"], alone["link_rule"]) == (1, "none")
    assert np.isnan(alone["link_weight"])


def test_a_chain_of_ten_thousand_is_one_person():
    ids = [f"id:{i:05d}" for i in np.random.default_rng(0).permutation(10_000)]
    chain = [(a, b, "email", 1.0, True) for a, b in zip(ids, ids[1:], strict=False)]
    persons = resolve(ids, chain)
    assert persons["customer_key"].nunique() == 1
    assert persons["customer_key"].iloc[0] == identity.customer_key("id:00000", secret=SECRET)


def test_only_accepted_links_join():
    rows = [("id:a", "id:b", "phone", 1.0, False), ("id:b", "id:c", "phone", 1.0, None)]
    assert resolve(["id:a", "id:b", "id:c"], rows)["customer_key"].nunique() == 3


def test_the_strongest_link_is_reported_and_ties_go_by_name():
    rows = [
        ("id:a", "id:b", "phone", 0.7, True),
        ("id:b", "id:c", "email", 0.9, True),
        ("id:c", "id:d", "zip", 0.5, True),
        ("id:d", "id:c", "address", 0.5, True),
        ("id:a", "id:a", "itself", 1.0, True),
    ]
    persons = resolve(["id:a", "id:b", "id:c", "id:d"], rows)
    assert persons["link_rule"].tolist() == ["phone", "email", "email", "address"]
    assert persons["link_weight"].tolist() == [0.7, 0.9, 0.9, 0.5]


def test_row_order_changes_nothing():
    ids = [f"id:{i}" for i in range(60)]
    pairs = [(f"id:{i}", f"id:{(7 * i) % 60}", "email", 1.0, True) for i in range(0, 60, 3)]
    first = resolve(ids, pairs)
    pd.testing.assert_frame_equal(first, resolve(ids[::-1], pairs[::-1]))


def test_smallest_record_is_by_bytes_as_in_sql():
    persons = resolve(["id:a", "id:B", "guest:é"], [("id:a", "id:B", "email", 1.0, True)])
    assert persons.loc["id:a", "customer_key"] == identity.customer_key("id:B", secret=SECRET)
    assert persons.index.tolist() == ["guest:é", "id:B", "id:a"]


def test_no_records():
    persons = identity.resolve_identities(records(), links(), secret=SECRET)
    table = frames.typed_table(persons, identity.SCHEMA)
    assert table.num_rows == 0 and table.schema == identity.SCHEMA.to_arrow()


def test_faulty_input_is_named():
    with pytest.raises(ValueError, match="unique"):
        resolve(["id:a", "id:a"], [])
    with pytest.raises(ValueError, match="never null"):
        resolve(["id:a", None], [])
    with pytest.raises(ValueError, match="1 accepted links name a record_id_b") as raised:
        resolve(["id:a"], [("id:a", "guest:z@x.example", "email", 1.0, True)])
    assert "z@x.example" not in str(raised.value)


@pytest.mark.parametrize("allowed", [False, "False", "false", None])
def test_without_a_secret_real_data_stop(allowed):
    with pytest.raises(identity.MissingSecretError, match="SEGMENTATION_SECRET"):
        identity.read_secret(demo_secret_allowed=allowed, environ={"SEGMENTATION_SECRET": "  "})


def test_secret_of_the_environment_wins_and_must_be_long():
    demo = identity.read_secret(demo_secret_allowed=True, environ={})
    assert demo == identity.DEMO_SECRET.encode()
    own = {"SEGMENTATION_SECRET": "long enough a secret"}
    assert identity.read_secret(demo_secret_allowed=True, environ=own) == b"long enough a secret"
    with pytest.raises(identity.MissingSecretError, match="5 characters"):
        identity.read_secret(demo_secret_allowed=True, environ={"SEGMENTATION_SECRET": "short"})


def test_another_secret_gives_other_keys():
    one = identity.resolve_identities(records("id:a"), links(), secret=SECRET)
    two = identity.resolve_identities(records("id:a"), links(), secret=b"another secret!!")
    assert one["customer_key"].iloc[0] != two["customer_key"].iloc[0]


def test_a_hundred_thousand_records_take_seconds():
    ids = [f"id:{i:06d}" for i in range(100_000)]
    pairs = pd.DataFrame({"record_id_a": ids[:-1:4], "record_id_b": ids[1::4]})
    pairs = pairs.assign(rule="email", weight=1.0, is_accepted=True)
    started = time.process_time()
    persons = identity.resolve_identities(records(*ids), pairs, secret=SECRET)
    assert time.process_time() - started < 5
    assert persons["customer_key"].nunique() == 75_000


def test_a_guest_order_or_a_new_duplicate_changes_no_key():
    known = pd.DataFrame(
        {
            "record_id": ["id:m"],
            "source_name": "crm.customers",
            "source_record_id": ["m"],
            "first_seen_at": [pd.Timestamp("2024-01-01")],
        }
    )
    newcomers = pd.DataFrame(
        {
            "record_id": ["guest:a@x.example", "id:a", "id:b"],
            "source_name": "crm.customers",
            "source_record_id": ["a@x.example", "a", "b"],
            "first_seen_at": [pd.Timestamp("2023-01-01"), pd.Timestamp("2024-02-01"), pd.NaT],
        }
    )
    joined = links(*[("id:m", other, "same_email", 1.0, True) for other in newcomers["record_id"]])
    before = identity.resolve_identities(known, links(), secret=SECRET)
    after = identity.resolve_identities(pd.concat([known, newcomers]), joined, secret=SECRET)
    assert set(after["customer_key"]) == set(before["customer_key"])
    assert after.loc[after["is_representative"], "record_id"].tolist() == ["id:m"]
