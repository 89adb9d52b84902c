"""crm/customers: the records as text, dirty where a defect was planted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ._calendar import Calendar
from ._names import (
    COUNTRY_SPELLINGS,
    DEPARTMENTS,
    FEMALE_NAMES,
    FOREIGN_PLACES,
    LAST_NAMES,
    MALE_NAMES,
    PROFESSIONS,
    STREETS,
    slug,
)
from ._people import People
from ._records import FUZZY, PRIMARY, Pool, Records
from ._settings import by_type
from ._toolbox import SECONDS_PER_DAY, handful, ids, join, pick, replace_at, timestamps, write_table

DATE_FORMATS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%Y%m%d",
)
UNREADABLE_DATES = ("not a date", "31/02/2024", "2023-13-01", "00000000", "inconnue")
UNKNOWN_COUNTRIES = ("XX", "Atlantis", "??")
MISSPELT_FRANCE = ("Frnce", "Francce", "Frence", "FRANCR", "Farance")
FRENCH_GENDERS = (("Mme", "femme", "Madame", "Féminin"), ("M.", "homme", "Monsieur", "Masculin"))
_COLUMNS = (
    "customer_id",
    "email",
    "phone",
    "first_name",
    "last_name",
    "address",
    "postcode",
    "city",
    "country",
    "birth_date",
    "gender",
    "profession",
    "household_income",
    "acquisition_channel",
    "social_handle",
    "created_at",
    "updated_at",
)
_CHANNELS = ("store", "web", "newsletter", "social_ads", "referral", "partner")
_GENDERS = ("F", "M")
_FIRST_DAY_OF_2090 = 43_829
_FIRST_DAY_OF_1870 = -36_524
_INCOME_SPREAD = 0.45


def social_handles(people: People, rng: np.random.Generator) -> pa.Array:
    """Handle of each person, unique; null for most."""
    has_handle = (rng.random(len(people)) < by_type("handle")[people.kind]) & people.has_crm
    first = pick([slug(name) for name in FEMALE_NAMES + MALE_NAMES], _first_codes(people))
    handle = join("@", first, "_", ids("", rng.permutation(len(people)) + 1, 6))
    return pc.if_else(pa.array(has_handle), handle, pa.scalar(None, pa.string()))


def _first_codes(people: People) -> np.ndarray:
    return people.first_name + np.where(people.is_female, 0, len(FEMALE_NAMES))


def write_customers(
    people: People,
    records: Records,
    handles: pa.Array,
    pool: Pool,
    calendar: Calendar,
    folder: Path,
    rng: np.random.Generator,
    later_rng: np.random.Generator,
    defects: dict[str, int],
) -> int:
    """Write crm/customers with its planted defects; return its rows.

    ``later_rng`` plants what the first release did not, so that the rest stays as it was.
    """
    planted = {
        "padded_text": pool.take_share(0.015),
        "mixed_case_text": pool.take_share(0.015),
        "unknown_country": pool.take_share(0.007),
        "future_birth_date": pool.take_share(0.004),
        "unreadable_birth_date": pool.take_share(0.004),
        "unreadable_created_at": pool.take_share(0.004),
        "duplicate_crm_row": pool.take_share(0.005),
    }
    defects.update({name: len(rows) for name, rows in planted.items()})
    rows = {name: records.primary[taken] for name, taken in planted.items()}

    columns = {
        "customer_id": records.customer_ids(np.arange(len(records))),
        "email": records.email,
        "phone": records.phone,
        **_names_and_places(people, records, rng),
        **_demographics(people, records, calendar, rng),
        "social_handle": pc.if_else(
            pa.array(records.origin == PRIMARY),
            handles.take(pa.array(records.person)),
            pa.scalar(None, pa.string()),
        ),
        **_moments(records, calendar, rng),
    }
    for name in ("first_name", "last_name", "city"):
        columns[name] = _padded(columns[name], rows["padded_text"])
        columns[name] = _other_case(columns[name], rows["mixed_case_text"])
    columns["country"] = _cycle(columns["country"], rows["unknown_country"], UNKNOWN_COUNTRIES)
    future = rows["future_birth_date"]
    days = _FIRST_DAY_OF_2090 + rng.integers(0, 9 * 365, len(future))
    columns["birth_date"] = replace_at(
        columns["birth_date"], future, _date_text(days * SECONDS_PER_DAY, rng)
    )
    for name in ("birth_date", "created_at"):
        columns[name] = _cycle(columns[name], rows[f"unreadable_{name}"], UNREADABLE_DATES)

    _plant_spellings(columns, people, records, pool, later_rng, defects)

    order = np.argsort(records.number)
    # The repeated rows stand at the end, as a second delivery would leave them.
    order = np.concatenate([order, rows["duplicate_crm_row"]])
    delivered = {name: columns[name].take(pa.array(order)) for name in _COLUMNS}
    return write_table(folder / "crm", "customers", delivered)


def _plant_spellings(
    columns: dict[str, pa.Array],
    people: People,
    records: Records,
    pool: Pool,
    rng: np.random.Generator,
    defects: dict[str, int],
) -> None:
    """Values that can be understood although they are wrong, and ages nobody has."""
    is_french = people.place < len(DEPARTMENTS)
    french = np.flatnonzero(is_french)
    zero = np.array([code.startswith("0") for code, _, _, _ in DEPARTMENTS] + [False] * 100)
    misspelt = pool.take_among(french, handful(pool.total, 0.005))
    no_zero = pool.take_among(np.flatnonzero(zero[people.place]), handful(pool.total, 0.004))
    ancient = pool.take_share(0.003)
    gendered = pool.take_share(0.01)
    for name, taken in (
        ("misspelt_country", misspelt),
        ("spreadsheet_postcode", no_zero),
        ("impossible_age", ancient),
        ("french_gender", gendered),
    ):
        defects[name] = len(taken)

    columns["country"] = _cycle(columns["country"], records.primary[misspelt], MISSPELT_FRANCE)
    rows = records.primary[no_zero]
    # A spreadsheet reads a number; the country must say what the number was.
    columns["country"] = _cycle(columns["country"], rows, ("FR", "France"))
    columns["postcode"] = replace_at(
        columns["postcode"],
        rows,
        pc.utf8_slice_codeunits(columns["postcode"].take(pa.array(rows)), 1),
    )
    days = _FIRST_DAY_OF_1870 + rng.integers(0, 9 * 365, len(ancient))
    columns["birth_date"] = replace_at(
        columns["birth_date"], records.primary[ancient], _date_text(days * SECONDS_PER_DAY, rng)
    )
    turn = np.arange(len(gendered)) % len(FRENCH_GENDERS[0])
    columns["gender"] = replace_at(
        columns["gender"],
        records.primary[gendered],
        pick(
            FRENCH_GENDERS[0] + FRENCH_GENDERS[1],
            turn + np.where(people.is_female[gendered], 0, len(FRENCH_GENDERS[0])),
        ),
    )


def _names_and_places(
    people: People, records: Records, rng: np.random.Generator
) -> dict[str, pa.Array]:
    """Names (with typos on fuzzy duplicates) and the household's address."""
    person = records.person
    first = pick(FEMALE_NAMES + MALE_NAMES, _first_codes(people)[person])
    last = pick(LAST_NAMES, people.last_name[person])
    fuzzy = np.flatnonzero(records.origin == FUZZY)
    last = replace_at(last, fuzzy, _typos(last.take(pa.array(fuzzy)), rng))
    both = fuzzy[rng.random(len(fuzzy)) < 0.4]
    first = replace_at(first, both, _typos(first.take(pa.array(both)), rng))

    households = people.household[-1] + 1
    number = rng.integers(1, 150, households)
    street = rng.integers(0, len(STREETS), households)
    district = rng.integers(0, 10, households)
    home = people.household[person]
    # Some fuzzy duplicates come from a move: another street, the same town.
    moved = fuzzy[rng.random(len(fuzzy)) < 0.2]
    streets, numbers = street[home], number[home]
    streets[moved] = (streets[moved] + rng.integers(1, len(STREETS), len(moved))) % len(STREETS)
    address = join(
        pick([str(k) for k in range(150)], numbers), pick(STREETS, streets), separator=" "
    )

    place = people.place[person].astype(np.int64)
    is_foreign = place >= len(DEPARTMENTS)
    towns = [city for _, city, _, _ in DEPARTMENTS] + [city for _, city, _ in FOREIGN_PLACES]
    codes = [f"{code}{k}00" for code, _, _, _ in DEPARTMENTS for k in range(10)]
    codes += [code for _, _, code in FOREIGN_PLACES]
    postcode = np.where(
        is_foreign,
        len(DEPARTMENTS) * 9 + place,
        place * 10 + district[home],
    )
    spellings, first_spelling, spelling_count = _spellings()
    # Two of three write the code, the others as they please.
    variant = np.where(rng.random(len(person)) < 0.66, 0, rng.integers(0, spelling_count[place]))
    return {
        "first_name": first,
        "last_name": last,
        "address": address,
        "postcode": pick(codes, postcode),
        "city": pick(towns, place),
        "country": pick(spellings, first_spelling[place] + variant),
    }


def _spellings() -> tuple[list[str], np.ndarray, np.ndarray]:
    """All spellings of all countries; the first one and their number by place."""
    countries = ["FR"] * len(DEPARTMENTS) + [country for country, _, _ in FOREIGN_PLACES]
    flat: list[str] = []
    first: dict[str, int] = {}
    for country, spellings in COUNTRY_SPELLINGS.items():
        first[country] = len(flat)
        flat.extend(spellings)
    starts = np.array([first[country] for country in countries])
    return flat, starts, np.array([len(COUNTRY_SPELLINGS[country]) for country in countries])


def _demographics(
    people: People, records: Records, calendar: Calendar, rng: np.random.Generator
) -> dict[str, pa.Array]:
    """Birth date, gender, profession, income and channel: true of the person, with gaps."""
    count = len(people)
    born = (
        calendar.epoch_day
        + calendar.days
        - (people.age * 365.25).astype(np.int64)
        - rng.integers(1, 365, count)
    )
    age = people.age
    profession = rng.choice(
        [0, 1, 4, 5, 6, 7, 8], size=count, p=[0.22, 0.36, 0.14, 0.07, 0.09, 0.05, 0.07]
    )
    profession = np.where(age < 24, 2, np.where(age > 63, 3, profession))
    income = rng.lognormal(np.log(by_type("income")[people.kind]), _INCOME_SPREAD)
    likes_web = rng.random(count) < people.web_share
    channel = np.where(
        likes_web,
        rng.choice([1, 2, 3, 4, 5], size=count, p=[0.45, 0.15, 0.25, 0.10, 0.05]),
        rng.choice([0, 2, 4, 5], size=count, p=[0.75, 0.08, 0.12, 0.05]),
    )
    channel = np.where(people.is_prospect & (rng.random(count) < 0.6), 2, channel)
    person = records.person

    def gap(share: float) -> np.ndarray:
        return rng.random(count)[person] < share

    birth = _date_text(born[person] * SECONDS_PER_DAY, rng)
    # Fuzzy duplicates keep the birth date: with the address it is what matching can lean on.
    unknown_birth = gap(0.10) & ~np.isin(person, person[records.origin == FUZZY])
    return {
        "birth_date": pc.if_else(pa.array(unknown_birth), pa.scalar(None, pa.string()), birth),
        "gender": pick(_GENDERS, np.where(people.is_female, 0, 1)[person], missing=gap(0.05)),
        "profession": pick(PROFESSIONS, profession[person], missing=gap(0.25)),
        "household_income": pa.array(np.round(income[person], -2), mask=gap(0.45)),
        "acquisition_channel": pick(_CHANNELS, channel[person], missing=gap(0.03)),
    }


def _moments(records: Records, calendar: Calendar, rng: np.random.Generator) -> dict[str, pa.Array]:
    """Creation and last update of each record."""
    size = len(records)
    created = calendar.seconds(records.created_day) + rng.integers(8 * 3600, 20 * 3600, size)
    room = calendar.end_second - 1 - created
    updated = created + (rng.random(size) ** 2 * room).astype(np.int64)
    return {"created_at": _date_text(created, rng), "updated_at": _date_text(updated, rng)}


def _date_text(seconds: np.ndarray, rng: np.random.Generator) -> pa.Array:
    """Write moments in one of the seven formats each, the first one most often."""
    shares = np.array([0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    style = rng.choice(len(DATE_FORMATS), size=len(seconds), p=shares)
    moments = timestamps(np.asarray(seconds)).cast(pa.timestamp("s"))
    order = np.argsort(style, kind="stable")
    parts = [
        pc.strftime(moments.take(pa.array(np.flatnonzero(style == code))), format=text)
        for code, text in enumerate(DATE_FORMATS)
    ]
    written = pa.concat_arrays([part.cast(pa.string()) for part in parts])
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order))
    return written.take(pa.array(position))


def _cycle(column: pa.Array, rows: np.ndarray, values: tuple[str, ...]) -> pa.Array:
    """Put the values on these rows in turn."""
    return replace_at(column, rows, pick(values, np.arange(len(rows)) % len(values)))


def _padded(column: pa.Array, rows: np.ndarray) -> pa.Array:
    """Blanks before, after or on both sides."""
    text = column.take(pa.array(rows))
    style = pa.array(np.arange(len(rows)) % 3)
    return replace_at(
        column, rows, pc.choose(style, join("  ", text), join(text, " "), join(" ", text, "  "))
    )


def _other_case(column: pa.Array, rows: np.ndarray) -> pa.Array:
    """All capitals or all small letters."""
    text = column.take(pa.array(rows))
    style = pa.array(np.arange(len(rows)) % 2)
    return replace_at(column, rows, pc.choose(style, pc.utf8_upper(text), pc.utf8_lower(text)))


def _typos(names: pa.Array, rng: np.random.Generator) -> pa.Array:
    """One typing error per name: a letter dropped, doubled, or swapped with the next."""
    text = pd.Series(names.to_pandas(), dtype=object)
    place = rng.integers(1, 4, len(text))
    style = rng.integers(0, 3, len(text))
    result = text.copy()
    for at in (1, 2, 3):
        for code in (0, 1, 2):
            rows = (place == at) & (style == code)
            old = text[rows]
            head, letter, rest = old.str[:at], old.str[at : at + 1], old.str[at + 1 :]
            if code == 0:
                new = head + rest
            elif code == 1:
                new = head + letter * 2 + rest
            else:
                new = head + rest.str[:1] + letter + rest.str[1:]
            result[rows] = new
    # Swapping equal letters, or reaching beyond a short name, changes nothing: add one instead.
    same = result == text
    result[same] = text[same] + text[same].str[-1]
    return pa.array(result.tolist(), pa.string())
