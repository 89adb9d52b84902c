"""What people say: support tickets, survey answers, social mentions, erasure requests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from ._calendar import Calendar
from ._consents import days_of
from ._orders import PURCHASE, RETURN, Orders
from ._people import People
from ._process import Purchases
from ._records import Records
from ._settings import QUESTIONS, by_type
from ._toolbox import SECONDS_PER_DAY, handful, ids, pick, timestamps, write_table

_TICKETS = ("delivery", "return", "product", "billing", "account")
_PLATFORMS = ("instagram", "tiktok", "x", "facebook")
_RESPONDENTS = 0.20


def write_support(
    people: People,
    purchases: Purchases,
    orders: Orders,
    records: Records,
    calendar: Calendar,
    folder: Path,
    rng: np.random.Generator,
) -> int:
    """Write crm/support_tickets, opened some days after an order; return its rows."""
    possible = np.flatnonzero((orders.kind <= RETURN) & people.has_crm[orders.person])
    chance = by_type("support")[people.kind[orders.person[possible]]]
    chance = chance * np.where(orders.kind[possible] == PURCHASE, 1.0, 2.5)
    about = possible[rng.random(len(possible)) < chance]
    opened = orders.ordered_at[about] + (rng.gamma(2.0, 2.0, len(about)) * SECONDS_PER_DAY).astype(
        np.int64
    )
    about, opened = about[opened < calendar.end_second], opened[opened < calendar.end_second]
    order = np.lexsort((orders.number[about], opened))
    about, opened = about[order], opened[order]
    size = len(about)
    closed = opened + (rng.lognormal(np.log(1.5), 0.8, size) * SECONDS_PER_DAY).astype(np.int64)
    is_open = closed >= calendar.end_second
    person = orders.person[about]
    # Who leaves after this order tends to leave unhappy.
    is_last = days_of(orders.ordered_at[about], calendar) == purchases.died_day[person]
    mood = rng.normal(3.7, 1.1, size) - 1.2 * is_last
    subject = np.where(orders.kind[about] == RETURN, 1, rng.choice([0, 0, 2, 3, 4], size=size))
    silent = is_open | (rng.random(size) < 0.4)
    columns = {
        "ticket_id": ids("T", np.arange(size) + 1, 7),
        "customer_id": records.customer_ids(records.primary[person]),
        "category": pick(_TICKETS, subject),
        "opened_at": timestamps(opened),
        "closed_at": timestamps(closed, missing=is_open),
        "satisfaction": pa.array(np.clip(np.rint(mood), 1, 5).astype(np.int32), mask=silent),
    }
    return write_table(folder / "crm", "support_tickets", columns)


def write_erasure_requests(
    people: People,
    records: Records,
    calendar: Calendar,
    folder: Path,
    rng: np.random.Generator,
) -> int:
    """Write crm/erasure_requests, a few in the last two months; return its rows."""
    known = np.flatnonzero(people.has_crm)
    person = rng.choice(known, size=handful(len(known), 0.003, minimum=3), replace=False)
    at = np.sort(calendar.end_second - rng.integers(3600, 60 * SECONDS_PER_DAY, len(person)))
    record = records.primary[person]
    # Nobody asks before the record exists.
    at = np.maximum(at, calendar.seconds(records.created_day[record]) + 86_399)
    columns = {
        "request_id": ids("R", np.arange(len(person)) + 1, 5),
        "customer_id": records.customer_ids(record),
        "requested_at": timestamps(np.minimum(at, calendar.end_second - 1)),
    }
    return write_table(folder / "crm", "erasure_requests", columns)


def write_survey(
    people: People,
    records: Records,
    calendar: Calendar,
    folder: Path,
    rng: np.random.Generator,
) -> int:
    """Write survey/responses: every question to a fifth of the people; return its rows."""
    known = np.flatnonzero(people.has_crm)
    person = np.sort(rng.choice(known, size=round(_RESPONDENTS * len(known)), replace=False))
    begin = np.clip(people.created_day[person], 0, calendar.days - 2)
    day = begin + (rng.random(len(person)) * (calendar.days - begin)).astype(np.int64)
    at = calendar.seconds(day) + rng.integers(8 * 3600, 22 * 3600, len(person))
    # People differ in how high they answer, whatever the question.
    habit = rng.normal(0, 0.35, len(person))
    means = np.array(by_type("answers"))[people.kind[person]] + habit[:, None]
    answers = np.clip(np.rint(rng.normal(means, 0.8)), 1, 5).astype(np.int32)
    is_answered = rng.random(answers.shape) >= 0.04
    row, question = np.nonzero(is_answered)
    columns = {
        "response_id": ids("A", np.arange(len(row)) + 1, 8),
        "customer_id": records.customer_ids(records.primary[person[row]]),
        "question": pick(QUESTIONS, question),
        "answer": pa.array(answers[row, question]),
        "answered_at": timestamps(at[row] + question * 12),
    }
    return write_table(folder / "survey", "responses", columns)


def write_mentions(
    people: People,
    handles: pa.Array,
    calendar: Calendar,
    folder: Path,
    rng: np.random.Generator,
) -> int:
    """Write social/mentions of known handles and of strangers; return its rows."""
    known = np.flatnonzero(np.asarray(handles.is_valid()))
    counts = rng.poisson(rng.gamma(0.8, 2.5, len(known)))
    person = np.repeat(known, counts)
    begin = np.clip(people.created_day[person], 0, calendar.days - 2)
    day = begin + (rng.random(len(person)) * (calendar.days - begin)).astype(np.int64)
    strangers = handful(len(person), 0.15)
    day = np.concatenate([day, rng.integers(0, calendar.days, strangers)])
    at = calendar.seconds(day) + rng.integers(0, SECONDS_PER_DAY, len(day))
    mood = np.concatenate([by_type("sentiment")[people.kind[person]], np.full(strangers, 0.05)])
    sentiment = np.round(np.clip(rng.normal(mood, 0.4), -1, 1), 3)
    handle = pa.concat_arrays(
        [
            handles.take(pa.array(person)),
            pick([f"@passant_{k}" for k in range(50)], rng.integers(0, 50, strangers)),
        ]
    )
    order = np.argsort(at, kind="stable")
    columns = {
        "mention_id": ids("S", np.arange(len(order)) + 1, 7),
        "social_handle": handle.take(pa.array(order)),
        "platform": pick(_PLATFORMS, rng.integers(0, len(_PLATFORMS), len(order))),
        "mentioned_at": timestamps(at[order]),
        "sentiment": pa.array(sentiment[order]),
        "reach": pa.array(
            np.minimum(rng.lognormal(np.log(300), 1.2, len(order)), 2e6).astype(np.int32)
        ),
    }
    return write_table(folder / "social", "mentions", columns)
