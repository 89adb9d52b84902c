"""E-mail campaigns: arms, true uplift, responses and the extra orders they cause."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from ._calendar import Calendar
from ._consents import Consents, days_of
from ._people import People
from ._process import Purchases
from ._records import Records
from ._settings import (
    CAMPAIGNS,
    IDLE_CAMPAIGNS,
    INTEREST_AFTER_END,
    INTEREST_OUT_OF_SEASON,
    RESPONSE_CHANCE,
    TREATMENT_SHARES,
    TYPE_NAMES,
    UPLIFT_DAYS,
    UPLIFT_MEDIAN,
    UPLIFT_SPREAD,
    by_type,
)
from ._toolbox import SECONDS_PER_DAY, coded, handful, ids, pick, timestamps, write_table

EVENTS = ("sent", "delivered", "open", "click", "bounce", "unsubscribe")
SENT, DELIVERED, OPEN, CLICK, BOUNCE, UNSUBSCRIBE = range(6)

_SUBJECTS = (
    "Les soldes commencent : jusqu'à -40 %",
    "Nos nouveautés de la saison",
    "Livraison offerte ce week-end",
    "Une attention pour vous",
    "La sélection de la rentrée",
    "Vos marques préférées vous attendent",
    "Idées cadeaux pour petits et grands",
    "Ventes privées : 48 heures",
)
_SLOWEST_RESPONSE = 12 * SECONDS_PER_DAY


@dataclass
class Campaigns:
    """What the campaigns did; lists hold one array per campaign until they are joined."""

    sent_at: np.ndarray  # seconds since 1970
    treatment_share: np.ndarray
    base_uplift: np.ndarray
    cost: np.ndarray
    arms: list[tuple[np.ndarray, ...]] = field(default_factory=list)  # campaign, person, treated
    events: list[tuple[np.ndarray, ...]] = field(default_factory=list)  # campaign, person, …
    extra: list[tuple[np.ndarray, ...]] = field(default_factory=list)  # campaign, person, day
    effects: list[dict[str, float]] = field(default_factory=list)
    type_effects: list[dict[str, float | str]] = field(default_factory=list)

    def clicks(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Campaign, person and second of each click."""
        campaign, person, name, at = map(np.concatenate, zip(*self.events, strict=True))
        rows = np.flatnonzero(name == CLICK)
        return campaign[rows], person[rows], at[rows]

    def extra_orders(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Campaign, person and day of each order that would not be without the campaign."""
        return tuple(map(np.concatenate, zip(*self.extra, strict=True)))


def run_campaigns(
    people: People,
    purchases: Purchases,
    records: Records,
    consents: Consents,
    calendar: Calendar,
    rng: np.random.Generator,
) -> Campaigns:
    """Mail those who consented at the time, one campaign after the other.

    A treated person who receives the mail, is a customer and buys in that month of the year
    places one extra order within UPLIFT_DAYS days with the probability base uplift of the
    campaign times the multiplier of the person's type.
    """
    # Whole windows within the history, the last response well before its end.
    slots = np.linspace(20, calendar.days - 20, CAMPAIGNS) + rng.integers(-4, 5, CAMPAIGNS)
    base_uplift = np.round(rng.lognormal(np.log(UPLIFT_MEDIAN), UPLIFT_SPREAD, CAMPAIGNS), 4)
    base_uplift[rng.choice(CAMPAIGNS, size=IDLE_CAMPAIGNS, replace=False)] = 0.0
    campaigns = Campaigns(
        sent_at=calendar.seconds(slots.astype(int)) + rng.integers(7, 18, CAMPAIGNS) * 3600,
        treatment_share=rng.choice(TREATMENT_SHARES, size=CAMPAIGNS),
        base_uplift=base_uplift,
        cost=np.zeros(CAMPAIGNS),
    )
    for number in range(CAMPAIGNS):
        _run_one(number, campaigns, people, purchases, records, consents, calendar, rng)
    return campaigns


def _run_one(
    number: int,
    campaigns: Campaigns,
    people: People,
    purchases: Purchases,
    records: Records,
    consents: Consents,
    calendar: Calendar,
    rng: np.random.Generator,
) -> None:
    sent_at = campaigns.sent_at[number]
    allowed = (consents.mail_from < sent_at) & (consents.mail_until > sent_at)
    person = np.flatnonzero(allowed & (records.email_is_valid | records.email_is_broken))
    is_treated = rng.random(len(person)) < campaigns.treatment_share[number]
    campaigns.arms.append((np.full(len(person), number), person, is_treated))
    campaigns.cost[number] = round(120 + 0.004 * is_treated.sum(), 2)

    treated = person[is_treated]
    bounces = records.email_is_broken[treated] | (rng.random(len(treated)) < 0.008)
    _respond(number, treated, bounces, campaigns, people, purchases, consents, calendar, rng)

    # The extra orders, and what they add to the share of buyers among all treated.
    sent_day = int(days_of(sent_at, calendar))
    uplift = campaigns.base_uplift[number] * by_type("uplift")[people.kind[treated]]
    delay = 1 + np.minimum(rng.geometric(RESPONSE_CHANCE, len(treated)) - 1, UPLIFT_DAYS - 2)
    day = sent_day + delay
    can_buy = (
        ~bounces
        & ~people.is_prospect[treated]
        & (people.joined_day[treated] < sent_day)
        & (purchases.died_day[treated] >= day)
        & (calendar.weights[people.window[treated], day] > 0)
    )
    buys = can_buy & (rng.random(len(treated)) < uplift)
    campaigns.extra.append((np.full(buys.sum(), number), treated[buys], day[buys]))

    window = people.window[treated]
    season = (
        calendar.cumulative[window, sent_day + UPLIFT_DAYS] - calendar.cumulative[window, sent_day]
    )
    alone = np.exp(-people.rate[treated] * season)  # would not have bought anyway
    orders = np.where(can_buy, uplift, 0.0)
    kinds = people.kind[treated]
    campaigns.effects.append(_effect(orders, orders * alone, buys, len(person)))
    for code, name in enumerate(TYPE_NAMES):
        rows = kinds == code
        total = int((people.kind[person] == code).sum())
        effect = _effect(orders[rows], (orders * alone)[rows], buys[rows], total)
        campaigns.type_effects.append({"campaign": number, "type": name, **effect})


def _effect(
    orders: np.ndarray, buyers: np.ndarray, buys: np.ndarray, people: int
) -> dict[str, float]:
    size = max(len(orders), 1)
    return {
        "treated": len(orders),
        "control": people - len(orders),
        "extra_orders": int(buys.sum()),
        "true_uplift": float(buyers.sum() / size),
        "true_extra_orders_per_treated": float(orders.sum() / size),
    }


def _respond(
    number: int,
    treated: np.ndarray,
    bounces: np.ndarray,
    campaigns: Campaigns,
    people: People,
    purchases: Purchases,
    consents: Consents,
    calendar: Calendar,
    rng: np.random.Generator,
) -> None:
    """Sent, delivered or bounced, opened, clicked, unsubscribed."""
    size = len(treated)
    kind = people.kind[treated]
    sent = campaigns.sent_at[number] + rng.integers(0, 900, size)
    delivered = sent + rng.integers(1, 90, size)
    day = days_of(sent, calendar)
    # Interest fades once somebody stopped buying, and rests outside the season.
    interest = np.where(purchases.died_day[treated] < day, INTEREST_AFTER_END, 1.0)
    is_in_season = calendar.weights[people.window[treated], day] > 0
    interest *= np.where(is_in_season, 1.0, INTEREST_OUT_OF_SEASON)
    opens = ~bounces & (rng.random(size) < people.open_rate[treated] * interest)
    is_fast = rng.random(size) < by_type("fast_open")[kind]
    wait = rng.lognormal(np.where(is_fast, np.log(900), np.log(6 * 3600)), 0.9)
    opened = delivered + 5 + np.minimum(wait, _SLOWEST_RESPONSE).astype(np.int64)
    clicks = opens & (rng.random(size) < by_type("click_rate")[kind])
    clicked = opened + rng.integers(3, 240, size)
    leaves = opens & (rng.random(size) < by_type("unsubscribe")[kind])
    left = opened + rng.integers(5, 600, size)
    # Somebody who withdrew otherwise in the meantime has nothing left to withdraw.
    leaves &= consents.mail_until[treated] > left
    consents.unsubscribe(treated[leaves], left[leaves])
    for name, rows, at in (
        (SENT, np.ones(size, dtype=bool), sent),
        (DELIVERED, ~bounces, delivered),
        (OPEN, opens, opened),
        (CLICK, clicks, clicked),
        (BOUNCE, bounces, delivered),
        (UNSUBSCRIBE, leaves, left),
    ):
        people_of = treated[rows]
        campaigns.events.append(
            (np.full(len(people_of), number), people_of, np.full(len(people_of), name), at[rows])
        )


def write_campaigns(
    campaigns: Campaigns,
    records: Records,
    folder: Path,
    rng: np.random.Generator,
    later_rng: np.random.Generator,
    defects: dict[str, int],
) -> dict[str, int]:
    """Write email/campaigns and email/events with repeated events; return rows by table."""
    numbers = np.arange(CAMPAIGNS)
    rows = {
        "email.campaigns": write_table(
            folder / "email",
            "campaigns",
            {
                "campaign_id": campaign_ids(numbers),
                "sent_at": timestamps(campaigns.sent_at),
                "subject": pick(_SUBJECTS, numbers % len(_SUBJECTS)),
                "cost": pa.array(campaigns.cost),
                "treatment_share": pa.array(campaigns.treatment_share),
            },
        )
    }
    campaign, person, name, at = map(np.concatenate, zip(*campaigns.events, strict=True))
    order = np.lexsort((name, person, at))
    planted = handful(len(order), 0.002)
    repeated = rng.choice(len(order), size=min(planted, len(order)), replace=False)
    defects["repeated_email_event"] = len(repeated)
    position = np.sort(np.concatenate([np.arange(len(order)), repeated]))
    event_number = position + 1
    # A mail program that loads the picture of a mail twice reports two openings.
    opened = np.flatnonzero((name[order] == OPEN)[position] & ~np.isin(position, repeated))
    twice = np.sort(later_rng.choice(opened, min(planted, len(opened)), replace=False))
    defects["near_duplicate_email_event"] = len(twice)
    event_number = np.insert(event_number, twice + 1, len(order) + 1 + np.arange(len(twice)))
    position = np.insert(position, twice + 1, position[twice])
    order = order[position]
    customer_ids = records.customer_ids(np.maximum(records.primary, 0))
    rows["email.events"] = write_table(
        folder / "email",
        "events",
        {
            "event_id": ids("M", event_number, 9),
            "campaign_id": coded(campaign_ids(numbers), campaign[order]),
            "customer_id": coded(customer_ids, person[order]),
            "event_name": coded(EVENTS, name[order]),
            "event_at": timestamps(at[order]),
        },
    )
    return rows


def campaign_ids(numbers: np.ndarray) -> pa.Array:
    """campaign_id of campaign numbers from 0."""
    return ids("MAIL", np.asarray(numbers) + 1, 3)
