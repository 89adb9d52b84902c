"""CRM records: one per person the CRM knows, plus planted duplicates; their e-mail and phone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ._calendar import Calendar
from ._names import DEPARTMENTS, FEMALE_NAMES, LAST_NAMES, MAIL_DOMAINS, MALE_NAMES, slug
from ._people import People
from ._toolbox import handful, ids, join, pick, rank_within, replace_at

PRIMARY, SAME_EMAIL, SAME_PHONE, FUZZY = range(4)

# What the CRM holds for people who gave something else than an address: shared text, so that
# an exact match on unchecked e-mails would merge strangers.
BROKEN_EMAILS = ("foo@", "no-at.example", "a@@b.example", "voir dossier", "@courriel.example")
SWITCHBOARD = "0199000000"

# The numbers the French regulator keeps free for fiction: five landline zones and a mobile one.
_LANDLINES = ("019900", "026191", "035301", "046571", "053649")
_MOBILE = "063998"


class Pool:
    """Hands out people for planted defects, each at most once, so that counts stay exact."""

    def __init__(self, candidates: np.ndarray, rng: np.random.Generator) -> None:
        self._rest = rng.permutation(candidates)
        self.total = len(candidates)

    def take(self, rows: int) -> np.ndarray:
        """Take that many people."""
        if rows > len(self._rest):
            raise ValueError("too few customers to plant every defect on people of its own")
        taken, self._rest = self._rest[:rows], self._rest[rows:]
        return taken

    def take_share(self, share: float, *, minimum: int = 5) -> np.ndarray:
        """Take a share of all candidates, at least a handful."""
        return self.take(handful(self.total, share, minimum=minimum))

    def take_among(self, candidates: np.ndarray, rows: int) -> np.ndarray:
        """Take people that are among these candidates as well."""
        fitting = self._rest[np.isin(self._rest, candidates)][:rows]
        self.drop(fitting)
        return fitting

    def give_back(self, people: np.ndarray) -> None:
        """Return people that were taken but not used."""
        self._rest = np.concatenate([self._rest, people])

    def drop(self, people: np.ndarray) -> None:
        """Keep these people from being taken."""
        self._rest = self._rest[~np.isin(self._rest, people)]


@dataclass
class Records:
    """One row per CRM record; row i < number of people with CRM is a primary record."""

    person: np.ndarray
    origin: np.ndarray  # PRIMARY, SAME_EMAIL, SAME_PHONE or FUZZY
    created_day: np.ndarray
    number: np.ndarray  # of customer_id
    email: pa.Array
    phone: pa.Array
    primary: np.ndarray  # by person: row of the primary record, -1 without
    email_is_valid: np.ndarray  # by person: the CRM has a working address
    email_is_broken: np.ndarray  # by person
    guest_email: pa.Array  # by person: the address a guest order of theirs carries
    shared_email: np.ndarray  # people whose record has the e-mail of their household's head
    defects: dict[str, int]

    def __len__(self) -> int:
        return len(self.person)

    def customer_ids(self, rows: np.ndarray) -> pa.Array:
        """customer_id of these records."""
        return ids("C", self.number[rows], 7)


def make_records(
    people: People, pool: Pool, calendar: Calendar, rng: np.random.Generator
) -> Records:
    """Plan the records, duplicates included, and give each its e-mail and phone."""
    same_email = pool.take_share(0.03)
    same_phone = pool.take_share(0.01)
    chained = pool.take_share(0.001, minimum=3)
    fuzzy = pool.take_share(0.03)
    broken = pool.take_share(0.007)
    switchboard = pool.take_share(0.002)
    sharing, heads = _people_sharing_email(people, pool)

    # A chained person has four records a-b-c-d: a and b share the e-mail, b and c the phone,
    # c and d the e-mail again. Only transitive matching brings d to a.
    known = np.flatnonzero(people.has_crm)
    person = np.concatenate(
        [known, same_email, same_phone, chained, chained, chained, fuzzy]
    ).astype(np.int64)
    sizes = [len(known), len(same_email), len(same_phone)] + [len(chained)] * 3 + [len(fuzzy)]
    origin = np.repeat(
        np.array([PRIMARY, SAME_EMAIL, SAME_PHONE, SAME_EMAIL, SAME_PHONE, SAME_EMAIL, FUZZY]),
        sizes,
    )
    starts = np.concatenate([[0], np.cumsum(sizes)])
    chain_b, chain_c, chain_d = (np.arange(*starts[i : i + 2]) for i in (3, 4, 5))

    primary = np.full(len(people), -1, dtype=np.int64)
    primary[known] = np.arange(len(known))
    created_day = people.created_day[person].astype(np.int64)
    later = np.flatnonzero(origin != PRIMARY)
    first = np.maximum(created_day[later] + 1, 0)
    room = np.maximum(calendar.days - first, 1)
    created_day[later] = np.minimum(
        first + (rng.random(len(later)) * room).astype(np.int64), calendar.days - 1
    )
    # Primary records come first in the plan, so numbers are drawn to hide which is which.
    number = rng.permutation(len(person)) + 1

    own = _own_emails(people, person, rng)
    has_email = rng.random(len(person)) >= 0.06
    must = np.isin(person, np.concatenate([same_email, same_phone, chained, fuzzy, heads]))
    has_email |= must
    email = pc.if_else(pa.array(has_email), own, pa.scalar(None, pa.string()))
    source = primary[person].copy()
    source[chain_d] = chain_c
    copies = np.flatnonzero(origin == SAME_EMAIL)
    email = replace_at(email, copies, _respelled(own.take(pa.array(source[copies])), rng))
    email = replace_at(email, primary[sharing], own.take(pa.array(primary[heads])))
    broken_text = pick(BROKEN_EMAILS, np.arange(len(broken)) % len(BROKEN_EMAILS))
    email = replace_at(email, primary[broken], broken_text)

    phone, on_landline = _phones(
        people,
        person,
        origin,
        must_have_mobile=np.concatenate([same_phone, chained]),
        new_number=np.concatenate([chain_b, chain_d, np.flatnonzero(origin == FUZZY)]),
        same_as={"rows": chain_c, "source": chain_b},
        rng=rng,
    )
    phone = replace_at(
        phone,
        primary[switchboard],
        _notation(pa.array([SWITCHBOARD] * len(switchboard)), rng.integers(0, 5, len(switchboard))),
    )
    on_landline[primary[switchboard]] = False

    valid = np.zeros(len(people), dtype=bool)
    valid[known] = has_email[: len(known)]
    valid[sharing] = True
    valid[broken] = False
    is_broken = np.zeros(len(people), dtype=bool)
    is_broken[broken] = True
    return Records(
        person=person,
        origin=origin,
        created_day=created_day,
        number=number,
        email=email,
        phone=phone,
        primary=primary,
        email_is_valid=valid,
        email_is_broken=is_broken,
        guest_email=_guest_emails(people, own, primary, rng),
        shared_email=np.concatenate([sharing, heads]),
        defects={
            "exact_duplicate_same_email": int((origin == SAME_EMAIL).sum()),
            "exact_duplicate_same_phone": int((origin == SAME_PHONE).sum()),
            "fuzzy_duplicate_person": int((origin == FUZZY).sum()),
            "shared_email": len(sharing),
            "shared_household_phone": _shared_landlines(people, person, on_landline),
            "switchboard_phone": len(switchboard),
            "broken_email": len(broken),
        },
    )


def _people_sharing_email(people: People, pool: Pool) -> tuple[np.ndarray, np.ndarray]:
    """Second members of households and their heads, both without another defect."""
    second = np.flatnonzero((people.member == 1) & people.has_crm)
    second = second[people.has_crm[second - 1]]
    free = pool.take_among(second, len(second))
    heads = pool.take_among(free - 1, len(free))
    pairs = np.sort(heads) + 1
    rows = handful(pool.total, 0.003)
    sharing = pairs[:rows]
    # Whoever was looked at but not used goes back to the pool.
    back = np.concatenate([np.setdiff1d(free, sharing), np.setdiff1d(heads, sharing - 1)])
    pool.give_back(back)
    return sharing, sharing - 1


def _shared_landlines(people: People, person: np.ndarray, on_landline: np.ndarray) -> int:
    """Number of records whose landline another person of the household gave as well."""
    pairs = np.unique(np.stack([people.household[person], person], axis=1)[on_landline], axis=0)
    users = np.bincount(pairs[:, 0], minlength=people.household[-1] + 1)
    return int((users[people.household[person[on_landline]]] > 1).sum())


def _own_emails(people: People, person: np.ndarray, rng: np.random.Generator) -> pa.Array:
    """An address per record, unique over all records, on domains reserved for examples."""
    first = pick([slug(name) for name in FEMALE_NAMES + MALE_NAMES], _first_codes(people, person))
    last = pick([slug(name) for name in LAST_NAMES], people.last_name[person])
    year = pick([f"{age:02d}" for age in range(100)], (126 - people.age[person]) % 100)
    initial = pc.utf8_slice_codeunits(first, 0, 1)
    local = pc.choose(
        pa.array(rng.integers(0, 4, len(person))),
        join(first, last, separator="."),
        join(initial, last, separator="."),
        join(first, "_", last, year),
        join(last, first, separator="."),
    )
    domain = pick(MAIL_DOMAINS, rng.integers(0, len(MAIL_DOMAINS), len(person)))
    codes, _ = pd.factorize(join(local, domain, separator="@").to_pandas())
    order = np.argsort(codes, kind="stable")
    repeat = np.empty(len(codes), dtype=np.int64)
    repeat[order] = rank_within(codes[order])
    # No slug has a hyphen, so a numbered address cannot meet an unnumbered one.
    suffix = pick(["", *(f"-{k}" for k in range(2, repeat.max() + 2))], repeat)
    return join(join(local, suffix), domain, separator="@")


def _first_codes(people: People, person: np.ndarray) -> np.ndarray:
    """Code of the first name into FEMALE_NAMES + MALE_NAMES."""
    return people.first_name[person] + np.where(people.is_female[person], 0, len(FEMALE_NAMES))


def _respelled(emails: pa.Array, rng: np.random.Generator) -> pa.Array:
    """The same addresses in other case or padding, never as they were."""
    return pc.choose(
        pa.array(rng.integers(0, 4, len(emails))),
        pc.utf8_upper(emails),
        join(" ", emails),
        join(emails, "  "),
        pc.utf8_capitalize(emails),
    )


def _guest_emails(
    people: People, own: pa.Array, primary: np.ndarray, rng: np.random.Generator
) -> pa.Array:
    """By person: known ones their CRM address respelled, the others an address of their own."""
    known = _respelled(own.take(pa.array(np.maximum(primary, 0))), rng)
    unknown = join("invite.", ids("", np.arange(len(people)) + 1, 7), "@", MAIL_DOMAINS[0])
    return pc.if_else(pa.array(primary >= 0), known, unknown)


def _phones(
    people: People,
    person: np.ndarray,
    origin: np.ndarray,
    *,
    must_have_mobile: np.ndarray,
    new_number: np.ndarray,
    same_as: dict[str, np.ndarray],
    rng: np.random.Generator,
) -> tuple[pa.Array, np.ndarray]:
    """Phone per record and whether it is the household's landline.

    The ranges for fiction hold 10,000 numbers each. Beyond that many people the numbers get
    further digits: longer than a French number, but two households never share one by accident
    and nobody real is called.
    """
    customers = len(people)
    draw = rng.random(customers)
    has_mobile = (draw < 0.55) | np.isin(np.arange(customers), must_have_mobile)
    has_landline = ~has_mobile & (draw < 0.84)

    slot = person + 1
    slot[new_number] = customers + 1 + np.arange(len(new_number))
    slot[same_as["rows"]] = slot[same_as["source"]]
    is_new = np.zeros(len(person), dtype=bool)
    is_new[new_number] = True
    is_new[same_as["rows"]] = True
    mobile = ids(_MOBILE, slot, max(4, len(str(slot.max()))))

    household = people.household[person].astype(np.int64) + 1
    zones = np.array([zone for _, _, _, zone in DEPARTMENTS] + [1] * 100) - 1
    landline = join(
        pick(_LANDLINES, zones[people.place[person]]),
        ids("", household, max(4, len(str(household.max())))),
    )
    on_mobile = is_new | has_mobile[person]
    on_landline = ~on_mobile & has_landline[person]
    # Half the further records with a known e-mail leave the phone out, and so do some fuzzy ones.
    silent = np.isin(origin, (SAME_EMAIL, FUZZY)) & ~is_new & (rng.random(len(person)) < 0.5)
    silent |= (origin == FUZZY) & (rng.random(len(person)) < 0.4)
    on_landline &= ~silent
    national = pc.if_else(pa.array(on_mobile), mobile, landline)
    notation = rng.integers(0, 5, len(person))
    primary_notation = notation[: (origin == PRIMARY).sum()]
    later = np.flatnonzero(origin != PRIMARY)
    position = np.searchsorted(person[: len(primary_notation)], person[later])
    notation[later] = (primary_notation[position] + 1 + rng.integers(0, 4, len(later))) % 5
    # Abroad a French number is written with its country code, in either of two ways.
    is_abroad = people.place[person] >= len(DEPARTMENTS)
    abroad = 3 + notation % 2
    abroad[later] = 7 - abroad[position]
    written = _notation(national, np.where(is_abroad, abroad, notation))
    known = (on_mobile | on_landline) & ~silent
    return pc.if_else(pa.array(known), written, pa.scalar(None, pa.string())), on_landline


def _notation(national: pa.Array, style: np.ndarray) -> pa.Array:
    """Write national numbers (0…) in one of five notations."""
    international = pc.utf8_slice_codeunits(national, 1)
    pairs = pc.utf8_rtrim_whitespace(
        pc.replace_substring_regex(national, pattern=r"(\d\d)", replacement=r"\1 ")
    )
    return pc.choose(
        pa.array(style),
        national,
        pairs,
        pc.replace_substring(pairs, pattern=" ", replacement="."),
        join("+33", international),
        join("00", "33", international),
    )
