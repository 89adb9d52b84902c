"""Web sessions: who browses when, with which cookie, and which visits end in an order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._calendar import Calendar, seconds_of_day
from ._campaigns import Campaigns
from ._consents import FOREVER, Consents
from ._orders import Orders, purchase_sessions
from ._people import NEVER, People
from ._process import Purchases
from ._settings import BROWSING_AFTER_END, BROWSING_SHAPE, by_type
from ._toolbox import handful

BROWSE, BUY, SIGN_UP = range(3)
DEVICES = ("desktop", "mobile", "tablet")

# Traffic sources: utm_source, utm_medium, utm_campaign (the last is a campaign_id for mail).
TRAFFIC = (
    (None, None, None),
    ("google", "organic", None),
    ("google", "cpc", "marque"),
    ("instagram", "social", "tendances"),
    ("comparateur", "affiliate", None),
)
DIRECT, ORGANIC, PAID, SOCIAL, AFFILIATE = range(5)
MAIL_TRAFFIC = len(TRAFFIC)  # plus the campaign number

NOBODY = -1
_NO_LOGIN = 127
_TRACKED = 0.72  # share of web orders whose session was recorded (consent, ad blockers)
_PROSPECTS = 0.5
_STRANGER_SHARE = 0.07
_STRANGER = 2  # sessions per cookie of people who never become known


@dataclass
class Sessions:
    """One row per session. ``time`` is its begin, for a purchase its end (the order's time)."""

    purpose: np.ndarray
    person: np.ndarray  # NOBODY for strangers
    time: np.ndarray
    events: np.ndarray
    visitor: np.ndarray  # number of visitor_id
    device: np.ndarray
    traffic: np.ndarray
    login_from: np.ndarray  # position of the first event with customer_id, large = never
    order: np.ndarray  # document, -1 = none
    cookie_person: np.ndarray  # by visitor number: whose it is, NOBODY for strangers
    shared: tuple[np.ndarray, np.ndarray]  # visitor number, the second person using it


def make_sessions(
    people: People,
    purchases: Purchases,
    orders: Orders,
    campaigns: Campaigns,
    consents: Consents,
    calendar: Calendar,
    rng: np.random.Generator,
    defects: dict[str, int],
) -> Sessions:
    """Plan every session of the history."""
    bought = purchase_sessions(orders)
    bought = bought[rng.random(len(bought)) < _TRACKED]
    browse_person, browse_time = _browsing(people, purchases, calendar, rng)
    mail, click_person, click_time = campaigns.clicks()
    sign_person, sign_time = _sign_ups(people, consents, calendar, rng)
    strangers = round(_STRANGER_SHARE * (len(bought) + len(browse_person)))
    stranger_time = calendar.seconds(rng.integers(0, calendar.days, strangers))
    stranger_time += seconds_of_day(rng, np.ones(strangers, dtype=bool))

    parts = (bought, browse_person, click_person, sign_person, stranger_time)
    sizes = [len(part) for part in parts]
    nobody = np.full(strangers, NOBODY)
    person = np.concatenate(
        [orders.person[bought], browse_person, click_person, sign_person, nobody]
    )
    time = np.concatenate(
        [orders.ordered_at[bought], browse_time, click_time + 5, sign_time, stranger_time]
    )
    purpose = np.repeat(np.array([BUY, BROWSE, BROWSE, SIGN_UP, BROWSE], dtype=np.int8), sizes)
    order = np.full(len(person), -1)
    order[: len(bought)] = bought

    events = np.where(
        purpose == BUY,
        4 + rng.poisson(1.2, len(person)),
        np.minimum(rng.geometric(0.31, len(person)), 25),
    ).astype(np.int64)
    events[purpose == SIGN_UP] = 2
    login_from = _logins(purpose, person, events, people, rng)
    guests = np.flatnonzero(orders.is_guest[bought])
    login_from[guests] = _NO_LOGIN

    visitor, device, cookie_person, shared = _cookies(
        person, purpose, login_from, people, rng, defects
    )
    traffic = rng.choice(
        [DIRECT, ORGANIC, PAID, SOCIAL, AFFILIATE],
        size=len(person),
        p=[0.40, 0.33, 0.12, 0.10, 0.05],
    )
    first_click = sizes[0] + sizes[1]
    traffic[first_click : first_click + len(mail)] = MAIL_TRAFFIC + mail
    return Sessions(
        purpose,
        person,
        time,
        events,
        visitor,
        device,
        traffic,
        login_from,
        order,
        cookie_person,
        shared,
    )


def _browsing(
    people: People, purchases: Purchases, calendar: Calendar, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Visits without a purpose: frequent while a customer, rare before the end and after.

    Browsing depends on the state of the person only, never on a purchase to come, so that
    history cannot tell more about the future than the true process itself.
    """
    count = len(people)
    habit = rng.gamma(BROWSING_SHAPE, 1 / BROWSING_SHAPE, count)
    rate = by_type("sessions_per_year")[people.kind] / 365 * habit
    rate = np.where(people.is_prospect, rate * _PROSPECTS, rate)
    begin = np.clip(people.joined_day, 0, calendar.days)
    died = np.where(purchases.died_day == NEVER, calendar.days, purchases.died_day + 1)
    persons, days = [], []
    for first, last, intensity in (
        (begin, died, rate),
        (died, np.full(count, calendar.days), rate * BROWSING_AFTER_END),
    ):
        # Season time, over the year for everybody: visitors think of the coast in March too.
        everyone = np.zeros(count, dtype=np.int8)
        cumulative = calendar.cumulative[0]
        lower, upper = cumulative[first], cumulative[np.maximum(last, first)]
        visits = rng.poisson(intensity * (upper - lower))
        person = np.repeat(np.arange(count), visits)
        persons.append(person)
        days.append(calendar.draw_days(rng, everyone[person], lower[person], upper[person]))
    person, day = np.concatenate(persons), np.concatenate(days)
    return person, calendar.seconds(day) + seconds_of_day(rng, np.ones(len(day), dtype=bool))


def _sign_ups(
    people: People, consents: Consents, calendar: Calendar, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A newsletter sign-up on the web for some of those who consented during the history."""
    is_recent = (consents.mail_from >= calendar.start_second) & (consents.mail_from < FOREVER)
    chance = np.where(people.is_prospect, 0.6, 0.25) * (0.3 + 0.7 * people.web_share)
    person = np.flatnonzero(is_recent & (rng.random(len(people)) < chance))
    return person, consents.mail_from[person] - 40


def _logins(
    purpose: np.ndarray,
    person: np.ndarray,
    events: np.ndarray,
    people: People,
    rng: np.random.Generator,
) -> np.ndarray:
    """Position of the first event with a login in each session."""
    known = np.where(person == NOBODY, 0, person)
    chance = by_type("login")[people.kind[known]] * people.has_crm[known] * (person != NOBODY)
    draw = rng.random(len(person))
    is_remembered = rng.random(len(person)) < 0.6
    login = np.where(draw < chance, np.where(is_remembered, 0, 1), _NO_LOGIN)
    # Who orders with an account logs in at the checkout at the latest.
    checkout = events - 2
    is_account = (purpose == BUY) & people.has_crm[known]
    login = np.where(is_account, np.minimum(login, checkout), login)
    return np.where(login < events, login, _NO_LOGIN).astype(np.int16)


def _cookies(
    person: np.ndarray,
    purpose: np.ndarray,
    login_from: np.ndarray,
    people: People,
    rng: np.random.Generator,
    defects: dict[str, int],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Visitor and device of each session, owner of each visitor, cookies two people share."""
    count = len(people)
    owned = 1 + np.minimum(rng.poisson(0.9, count), 3)
    first = np.cumsum(owned) - owned
    known = np.where(person == NOBODY, 0, person)
    # The first cookie is the main one; later ones see less, and a fifth of them no login ever.
    position = (rng.random(len(person)) ** 2.2 * owned[known]).astype(np.int64)
    is_anonymous = rng.random(owned.sum()) < 0.2
    is_anonymous[first] = False
    visitor = first[known] + position
    hidden = is_anonymous[visitor]
    visitor = np.where(hidden & (purpose == BUY), first[known], visitor)
    login_from[is_anonymous[visitor]] = _NO_LOGIN

    stranger_rows = np.flatnonzero(person == NOBODY)
    strangers = max(1, len(stranger_rows) // _STRANGER)
    visitor[stranger_rows] = owned.sum() + rng.integers(0, strangers, len(stranger_rows))
    cookie_person = np.concatenate([np.repeat(np.arange(count), owned), np.full(strangers, NOBODY)])
    mobile = np.where(
        cookie_person == NOBODY, 0.5, by_type("mobile")[people.kind[np.maximum(cookie_person, 0)]]
    )
    draw = rng.random(len(cookie_person))
    device_of = np.where(draw < mobile, 1, np.where(draw < mobile + 0.08, 2, 0))

    shared = _share_cookies(person, visitor, login_from, first, people, rng)
    defects["shared_cookie"] = len(shared[0])
    return visitor, device_of[visitor].astype(np.int8), cookie_person, shared


def _share_cookies(
    person: np.ndarray,
    visitor: np.ndarray,
    login_from: np.ndarray,
    first: np.ndarray,
    people: People,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Let some second members of households log in on the head's main cookie, once or more."""
    rows = np.flatnonzero((login_from < _NO_LOGIN) & (person != NOBODY))
    is_main = visitor[rows] == first[person[rows]]
    on_main = np.zeros(len(people), dtype=bool)
    on_main[person[rows[is_main]]] = True
    is_second = (people.member == 1) & people.has_crm
    heads = np.flatnonzero(is_second) - 1
    active = np.zeros(len(people), dtype=bool)
    active[person[rows]] = True
    candidates = heads[on_main[heads] & active[heads + 1]] + 1
    size = min(handful(len(people), 0.004), len(candidates))
    seconds = np.sort(rng.choice(candidates, size=size, replace=False))

    mine = rows[np.isin(person[rows], seconds)]
    order = np.argsort(person[mine], kind="stable")
    mine = mine[order]
    is_first = np.concatenate([[True], person[mine[1:]] != person[mine[:-1]]])[: len(mine)]
    moved = mine[is_first | (rng.random(len(mine)) < 0.3)]
    visitor[moved] = first[person[moved] - 1]
    return first[seconds - 1], seconds
