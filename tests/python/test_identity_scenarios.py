"""Named cases of who is one person, through the whole of identity: rules, weights, guards, keys."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from python_ext import identity

SECRET = b"a secret of a test"
PERSON_COLUMNS = (
    "email",
    "phone",
    "first_name",
    "last_name",
    "address",
    "postcode",
    "city",
    "birth_on",
)
HOME = {"address": "12 rue des Lilas", "postcode": "35000", "city": "Rennes"}
AWAY = {"address": "7 avenue Victor Hugo", "postcode": "69003", "city": "Lyon"}


@pytest.fixture(scope="module")
def model():
    return identity.load_model()


def records(*rows):
    """Records ``id:…`` or ``guest:…`` with what they say; the rest is empty."""
    frame = pd.DataFrame([{"record_id": name, **values} for name, values in rows])
    for column in ("first_seen_at", *PERSON_COLUMNS):
        if column not in frame:
            frame[column] = None
    frame["first_seen_at"] = pd.to_datetime(frame["first_seen_at"])
    return frame.assign(source_name="crm.customers", source_record_id=frame["record_id"])


def shared_keys(frame):
    """What int_identity_links proposes, written independently of it."""
    pairs = []
    for rule, columns in (
        ("same_email", ["email"]),
        ("same_phone_and_first_name", ["phone", "first_name"]),
    ):
        known = frame.dropna(subset=columns)
        for _, group in known.groupby(columns):
            names = sorted(group["record_id"])
            pairs += [(a, b, rule, len(names)) for i, a in enumerate(names) for b in names[i + 1 :]]
    columns = ["record_id_a", "record_id_b", "rule", "records_with_key"]
    return pd.DataFrame(pairs, columns=columns)


def link(frame, model, **changed):
    settings = {
        "match_threshold": 0.85,
        "max_records_per_key": 20,
        "max_records_per_person": 20,
        **changed,
    }
    return identity.link_records(frame, shared_keys(frame), model=model, **settings)


def people(frame, model, **changed):
    """Sets of record ids that are one person."""
    links = link(frame, model, **changed)
    found = identity.resolve_identities(frame, links, secret=SECRET)
    return {frozenset(group) for group in found.groupby("customer_key")["record_id"].agg(list)}


def decisions(frame, model, **changed):
    return set(link(frame, model, **changed)["decision"])


def one(*names):
    return frozenset(f"id:{name}" if ":" not in name else name for name in names)


def test_a_chain_of_five(model):
    """Each record has one thing in common with the next, and nothing with the rest."""
    chain = records(
        ("id:a", {"email": "zoe@x.example"}),
        ("id:b", {"email": "zoe@x.example", "phone": "+33639980001", "first_name": "Zoé"}),
        ("id:c", {"email": "z.m@x.example", "phone": "+33639980001", "first_name": "Zoé"}),
        ("id:d", {"email": "z.m@x.example", "phone": "+33639980002", "first_name": "Zoé"}),
        ("id:e", {"phone": "+33639980002", "first_name": "Zoé"}),
    )
    assert people(chain, model) == {one("a", "b", "c", "d", "e")}


FAMILY = (
    ("id:mother", {"first_name": "Colette", "birth_on": date(1970, 5, 1)}),
    ("id:father", {"first_name": "Bernard", "birth_on": date(1968, 2, 9)}),
)


def family(*more):
    together = {"email": "famille@x.example", "last_name": "Maurin", **HOME}
    return records(*((name, {**together, **values}) for name, values in (*FAMILY, *more)))


def test_a_shared_family_email_joins_nobody(model):
    frame = family()
    assert people(frame, model) == {one("mother"), one("father")}
    assert decisions(frame, model) == {"contradicting_person"}


def test_a_duplicate_within_a_family_finds_its_own(model):
    frame = family(("id:mother2", {"first_name": "Colete", "birth_on": date(1970, 5, 1)}))
    assert people(frame, model) == {one("mother", "mother2"), one("father")}


def test_a_guest_order_with_a_family_email_is_nobodys(model):
    frame = pd.concat(
        [family(), records(("guest:famille@x.example", {"email": "famille@x.example"}))],
        ignore_index=True,
    )
    links = link(frame, model)
    guest = links[links["record_id_a"].str.startswith("guest:")]
    assert set(guest["decision"]) == {"shared_key"}
    assert len(people(frame, model)) == 3


def test_twins_stay_apart(model):
    born = {"last_name": "Valdon", "birth_on": date(1990, 3, 3), "phone": "+33299000001", **HOME}
    twins = records(
        ("id:1", {"first_name": "Léa", **born}), ("id:2", {"first_name": "Bertille", **born})
    )
    assert people(twins, model) == {one("1"), one("2")}
    assert decisions(twins, model) == {"contradicting_person"}
    # Switched off, the weight decides.
    assert decisions(twins, model, twins_stay_apart=False).isdisjoint({"contradicting_person"})


def test_a_changed_name_and_address_is_still_the_person(model):
    """Marriage and a move: first name, birth date, e-mail and phone are what remains."""
    born = {"first_name": "Delphine", "birth_on": date(1988, 9, 6)}
    before = {"last_name": "Maubert", **HOME, **born}
    after = {"last_name": "Castelnau", **AWAY, **born}
    for common in ({"email": "delphine@x.example"}, {"phone": "+33639980003"}):
        frame = records(("id:1", {**before, **common}), ("id:2", {**after, **common}))
        assert people(frame, model) == {one("1", "2")}


def test_a_reused_phone_joins_nobody(model):
    """The number was given to somebody else, once even to one of the same first name."""
    number = {"phone": "+33639980004"}
    frame = records(
        (
            "id:1",
            {
                "first_name": "Simon",
                "last_name": "Bellet",
                "birth_on": date(1995, 12, 10),
                **HOME,
                **number,
            },
        ),
        (
            "id:2",
            {
                "first_name": "Agathe",
                "last_name": "Rouville",
                "birth_on": date(1961, 1, 2),
                **AWAY,
                **number,
            },
        ),
        (
            "id:3",
            {
                "first_name": "Simon",
                "last_name": "Grandnard",
                "birth_on": date(1950, 7, 20),
                **AWAY,
                **number,
            },
        ),
    )
    assert people(frame, model) == {one("1"), one("2"), one("3")}


def test_a_switchboard_joins_nobody(model):
    names = ["Amelot", "Besson", "Cordier", "Delmas", "Estève", "Fabre", "Garnier", "Huet"]
    frame = records(
        *(
            (
                f"id:{k}",
                {
                    "first_name": "Paul",
                    "last_name": name,
                    "phone": "+33199000000",
                    "birth_on": date(1960 + 3 * k, 1 + k, 2 * k + 1),
                    "address": f"{k + 3} rue {name}",
                    "postcode": f"{k + 10}000",
                    "city": f"Ville {name}",
                },
            )
            for k, name in enumerate(names)
        )
    )
    assert len(people(frame, model)) == len(names)
    assert decisions(frame, model, max_records_per_key=5) == {"shared_key"}


def test_a_guest_order_and_then_a_registration(model):
    frame = records(
        ("guest:ines@x.example", {"email": "ines@x.example", "first_seen_at": "2023-01-01"}),
        (
            "id:1",
            {
                "email": "ines@x.example",
                "first_name": "Inès",
                "last_name": "Founet",
                "first_seen_at": "2023-02-01",
                **HOME,
            },
        ),
    )
    assert people(frame, model) == {one("guest:ines@x.example", "1")}


def test_a_typing_error_in_a_new_account(model):
    """Neither e-mail nor phone in common: names, address and birth date do it."""
    born = {"birth_on": date(1990, 3, 3), **HOME}
    frame = records(
        (
            "id:1",
            {"first_name": "Valentin", "last_name": "Sauroux", "email": "v@x.example", **born},
        ),
        (
            "id:2",
            {"first_name": "Vlaentin", "last_name": "Saurroux", "email": "s@y.example", **born},
        ),
    )
    links = link(frame, model)
    assert links["decision"].tolist() == ["accepted_weight"]
    assert links["weight"].iloc[0] >= 0.85


def test_people_of_one_name_are_not_one_person(model):
    frame = records(
        (
            "id:1",
            {"first_name": "Jean", "last_name": "Martin", "birth_on": date(1950, 1, 2), **HOME},
        ),
        (
            "id:2",
            {"first_name": "Jean", "last_name": "Martin", "birth_on": date(1981, 8, 30), **AWAY},
        ),
    )
    assert people(frame, model) == {one("1"), one("2")}


def test_the_threshold_decides_and_the_weight_is_kept(model):
    born = {"birth_on": date(1990, 3, 3), "postcode": "35000", "city": "Rennes"}
    frame = records(
        ("id:1", {"first_name": "Valentin", "last_name": "Sauroux", **born}),
        ("id:2", {"first_name": "Valentin", "last_name": "Saurroux", **born}),
    )
    found = link(frame, model)
    weight = found["weight"].iloc[0]
    assert found["is_accepted"].tolist() == [True] and 0.85 < weight < 1
    strict = link(frame, model, match_threshold=np.nextafter(weight, 2))
    assert strict["decision"].tolist() == ["below_threshold"]
    assert strict["weight"].iloc[0] == weight


def test_too_many_records_are_cut(model):
    frame = records(*((f"id:{k}", {"email": "same@x.example"}) for k in range(8)))
    sizes = sorted(map(len, people(frame, model, max_records_per_person=5)))
    assert max(sizes) == 5 and sum(sizes) == 8
    assert "too_large" in decisions(frame, model, max_records_per_person=5)


def test_ids_alone_need_no_comparison(model, monkeypatch):
    """A dataset without a CRM: nobody is compared, so Splink is not even imported."""
    import builtins

    real = builtins.__import__

    def without_splink(name, *rest, **more):
        assert name.split(".")[0] != "splink"
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without_splink)
    frame = records(*((f"id:{k}", {}) for k in range(5)))
    assert len(people(frame, model)) == 5
    assert people(frame.head(0), model) == set()


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_records_and_links_changes_nothing(model, seed):
    frame = pd.concat(
        [
            family(("id:mother2", {"first_name": "Colete", "birth_on": date(1970, 5, 1)})),
            records(
                ("guest:famille@x.example", {"email": "famille@x.example"}),
                ("id:x", {"first_name": "Paul", "phone": "+33639980009"}),
                ("id:y", {"first_name": "Paul", "phone": "+33639980009"}),
            ),
        ],
        ignore_index=True,
    )
    first = link(frame, model)
    shuffled = frame.sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(first, link(shuffled, model))
    persons = identity.resolve_identities(frame, first, secret=SECRET)
    again = identity.resolve_identities(
        shuffled, first.sample(frac=1, random_state=seed), secret=SECRET
    )
    pd.testing.assert_frame_equal(persons, again)
