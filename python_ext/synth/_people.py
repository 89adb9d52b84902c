"""True persons: type, household, place, taste and the parameters of their buying."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from ._calendar import Calendar
from ._names import COAST, DEPARTMENTS, FEMALE_NAMES, FOREIGN_PLACES, LAST_NAMES, MALE_NAMES
from ._settings import (
    BETA_SIZE,
    CATEGORIES,
    EARLY_RECORD_SHARE,
    GUEST_ONLY_SHARE,
    INSTALLED_BASE_DAYS,
    INSTALLED_BASE_SHARE,
    LONGEST_LEAD,
    PROSPECT_SHARE,
    SHOP_ONLY_SHARE,
    TYPES,
    WINDOWS,
    by_type,
)
from ._toolbox import beta_around, handful, rank_within

NEVER = np.iinfo(np.int32).max
_COMMON_YEAR_END = date(2025, 12, 31)
_HOUSEHOLD_SIZES = (0.55, 0.30, 0.10, 0.05)


@dataclass
class People:
    """One row per true person (arrays of length n); days count from the start of the history."""

    kind: np.ndarray  # code into TYPES
    household: np.ndarray
    member: np.ndarray  # position in the household, 0 = head
    place: np.ndarray  # code into DEPARTMENTS, then FOREIGN_PLACES
    first_name: np.ndarray  # code into the names of the gender
    last_name: np.ndarray
    is_female: np.ndarray
    age: np.ndarray  # years at the end of the history
    is_prospect: np.ndarray
    is_guest_only: np.ndarray
    is_shop_only: np.ndarray
    created_day: np.ndarray  # the retailer learns of the person
    joined_day: np.ndarray  # becomes a customer; negative = before the history
    buys_on_joining: np.ndarray
    window: np.ndarray  # code into WINDOWS
    rate: np.ndarray  # purchase days per day at season 1.0
    dropout: np.ndarray
    taste: np.ndarray  # (n, categories)
    price_position: np.ndarray
    discount: np.ndarray
    return_rate: np.ndarray
    web_share: np.ndarray
    open_rate: np.ndarray

    def __len__(self) -> int:
        return len(self.kind)

    @property
    def has_crm(self) -> np.ndarray:
        """Whether the CRM has a record of the person."""
        return ~self.is_guest_only & ~self.is_shop_only

    @property
    def household_size(self) -> np.ndarray:
        """People in the person's household."""
        return np.bincount(self.household)[self.household]


def make_people(customers: int, calendar: Calendar, rng: np.random.Generator) -> People:
    """Draw the true persons, prospects included."""
    household, member = _households(customers, rng)
    kind = rng.choice(len(TYPES), size=customers, p=by_type("share")).astype(np.int8)
    head_kind = kind[np.searchsorted(household, household, side="left")]
    is_female = rng.random(customers) < by_type("female")[kind]
    first_name, last_name = _name_codes(household, member, is_female, rng)
    is_prospect = np.zeros(customers, dtype=bool)
    prospects = round(customers * PROSPECT_SHARE)
    is_prospect[rng.choice(customers, size=prospects, replace=False)] = True
    window = _windows(kind, rng)
    rate, dropout = _purchase_parameters(kind, window, rng)
    rate[is_prospect] = 0.0
    created_day, joined_day, buys_on_joining = _joining(window, is_prospect, calendar, rng)
    is_guest_only, is_shop_only = _people_without_record(buys_on_joining, rng)
    age_mean, age_spread = by_type("age").T
    return People(
        kind=kind,
        household=household,
        member=member,
        place=_places(household, head_kind, rng),
        first_name=first_name,
        last_name=last_name,
        is_female=is_female,
        age=np.clip(rng.normal(age_mean[kind], age_spread[kind]), 18, 92).astype(np.int16),
        is_prospect=is_prospect,
        is_guest_only=is_guest_only,
        is_shop_only=is_shop_only,
        created_day=created_day,
        joined_day=joined_day,
        buys_on_joining=buys_on_joining,
        window=window,
        rate=rate,
        dropout=dropout,
        taste=_tastes(kind, rng),
        **{name: beta_around(rng, by_type(name)[kind], size) for name, size in BETA_SIZE.items()},
    )


def _households(customers: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Household number and position within it, by person."""
    sizes = rng.choice(np.arange(1, 5), size=customers, p=_HOUSEHOLD_SIZES)
    household = np.repeat(np.arange(customers, dtype=np.int32), sizes)[:customers]
    return household, rank_within(household).astype(np.int8)


def _name_codes(
    household: np.ndarray, member: np.ndarray, is_female: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """First and last name codes: members of a household never share the first name."""
    households = household[-1] + 1
    pool = np.where(is_female, len(FEMALE_NAMES), len(MALE_NAMES))
    base = rng.integers(0, 10_000, households)[household]
    first_name = (base + member * 17) % pool
    # One in ten keeps a last name of their own.
    own = rng.integers(0, len(LAST_NAMES), len(household))
    shared = rng.integers(0, len(LAST_NAMES), households)[household]
    return first_name, np.where(rng.random(len(household)) < 0.1, own, shared)


def _people_without_record(
    buys_on_joining: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Guest-only and shop-only people; all of them buy, or they would leave no trace at all."""
    customers = len(buys_on_joining)
    counts = [handful(customers, share) for share in (GUEST_ONLY_SHARE, SHOP_ONLY_SHARE)]
    drawn = rng.choice(np.flatnonzero(buys_on_joining), size=sum(counts), replace=False)
    numbers = np.arange(customers)
    return np.isin(numbers, drawn[: counts[0]]), np.isin(numbers, drawn[counts[0] :])


def _windows(kind: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Code of the months each person buys in."""
    window = np.zeros(len(kind), dtype=np.int8)
    for code, customer_type in enumerate(TYPES):
        rows = np.flatnonzero(kind == code)
        choices, shares = zip(*customer_type.active_months, strict=True)
        codes = np.array([WINDOWS.index(months) for months in choices])
        window[rows] = rng.choice(codes, size=len(rows), p=shares)
    return window


def _purchase_parameters(
    kind: np.ndarray, window: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Purchase rate per day at season 1.0 (gamma) and dropout probability (beta)."""
    mean = mean_rates()[kind, window]
    shape = by_type("rate_shape")[kind]
    rate = rng.gamma(shape, mean / shape)
    dropout = beta_around(rng, by_type("dropout")[kind], by_type("dropout_size")[kind])
    return np.maximum(rate, 1e-4), np.maximum(dropout, 1e-4)


def mean_rates() -> np.ndarray:
    """Mean purchase rate per day at season 1.0 of each type in each window, (types, windows)."""
    # Season-days of a common year within each window turn purchases a year into a daily rate.
    common_year = Calendar.ending(_COMMON_YEAR_END)
    season_days = common_year.cumulative[:, -1] / (common_year.days / 365.0)
    return by_type("rate_per_year")[:, None] / season_days


def mean_tastes() -> np.ndarray:
    """Mean share of each category, (types, categories)."""
    mean = np.array([[t.taste.get(name, 0.004) for name in CATEGORIES] for t in TYPES])
    return mean / mean.sum(axis=1, keepdims=True)


def _joining(
    window: np.ndarray,
    is_prospect: np.ndarray,
    calendar: Calendar,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Days of first contact and of becoming a customer, and whether that is a purchase.

    The installed base became customers in the four years before the history, all alive at its
    start. Everybody else joins with a first purchase, in a month they buy in.
    """
    customers = len(window)
    is_old = rng.random(customers) < INSTALLED_BASE_SHARE
    before = -rng.integers(1, INSTALLED_BASE_DAYS, customers)
    total = calendar.cumulative[window, -1]
    during = calendar.draw_days(rng, window, np.zeros(customers), total)
    joined_day = np.where(is_old, before, during).astype(np.int32)
    uniform = rng.integers(-365, calendar.days - 7, customers)
    joined_day = np.where(is_prospect, uniform, joined_day).astype(np.int32)
    # Most people give their data at the first purchase, some a few weeks before.
    lead = np.where(
        rng.random(customers) < EARLY_RECORD_SHARE, rng.integers(1, LONGEST_LEAD + 1, customers), 0
    )
    created_day = np.where(is_prospect, joined_day, joined_day - lead).astype(np.int32)
    return created_day, joined_day, ~is_old & ~is_prospect


def _tastes(kind: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Dirichlet share of each category, by person."""
    draws = rng.gamma((mean_tastes() * by_type("taste_size")[:, None])[kind]) + 1e-9
    return (draws / draws.sum(axis=1, keepdims=True)).astype(np.float32)


def _places(household: np.ndarray, head_kind: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Place of each household: by inhabitants, for seasonal visitors mostly on the coast."""
    inhabitants = np.array([people for _, _, people, _ in DEPARTMENTS])
    coast = np.array([code in COAST for code, _, _, _ in DEPARTMENTS])
    everywhere = inhabitants / inhabitants.sum()
    coastal = np.where(coast, inhabitants, inhabitants * 0.03)
    coastal /= coastal.sum()
    households = household[-1] + 1
    heads = np.searchsorted(household, np.arange(households))
    is_visitor = np.array([t.name == "seasonal_visitor" for t in TYPES])[head_kind[heads]]
    place = np.where(
        is_visitor,
        rng.choice(len(inhabitants), size=households, p=coastal),
        rng.choice(len(inhabitants), size=households, p=everywhere),
    )
    is_foreign = rng.random(households) < 0.03
    foreign = len(DEPARTMENTS) + rng.integers(0, len(FOREIGN_PLACES), households)
    return np.where(is_foreign, foreign, place)[household].astype(np.int16)
