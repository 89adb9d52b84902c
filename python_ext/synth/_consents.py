"""Consent of each person over time, as events on CRM records."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from ._calendar import Calendar
from ._people import People
from ._records import PRIMARY, Records
from ._settings import by_type
from ._toolbox import SECONDS_PER_DAY, ids, pick, timestamps, write_table

PURPOSES = ("email_marketing", "profiling", "ad_targeting")
STATUSES = ("granted", "withdrawn")
GRANTED, WITHDRAWN = 0, 1
FOREVER = np.iinfo(np.int64).max

_PROFILING_SHARE, _PROFILING_WITHDRAWN = 0.80, 0.06
_AD_SHARE, _AD_WITHDRAWN = 0.42, 0.10
_EMAIL_WITHDRAWN = 0.08


class Consents:
    """Consent events and, by person, when mail was allowed (seconds since 1970).

    Attributes
    ----------
    mail_from, mail_until
        By person: begin and end of the consent to e-mail marketing; FOREVER as mail_from
        means never, as mail_until not withdrawn. Unsubscribing closes it.
    profiling
        By person: consent to profiling at the end of the history.
    """

    def __init__(
        self, people: People, records: Records, calendar: Calendar, rng: np.random.Generator
    ) -> None:
        self._records = records
        self._calendar = calendar
        self._parts: list[tuple[np.ndarray, ...]] = []
        count = len(people)
        known = records.primary >= 0
        opened = np.full(count, FOREVER)
        opened[known] = calendar.seconds(
            records.created_day[records.primary[known]]
        ) + rng.integers(8 * 3600, 20 * 3600, known.sum())

        has_mail = known & (rng.random(count) < by_type("email_consent")[people.kind])
        withdraws = has_mail & (rng.random(count) < _EMAIL_WITHDRAWN)
        self.mail_from = np.where(has_mail, opened, FOREVER)
        self.mail_until = np.where(withdraws, self._later(opened, rng), FOREVER)
        self._add_people(0, GRANTED, has_mail, self.mail_from)
        self._add_people(0, WITHDRAWN, withdraws, self.mail_until)

        profiling = known & (rng.random(count) < _PROFILING_SHARE)
        stops = profiling & (rng.random(count) < _PROFILING_WITHDRAWN)
        stopped = self._later(opened, rng)
        returns = stops & (rng.random(count) < 0.15)
        self._add_people(1, GRANTED, profiling, opened)
        self._add_people(1, WITHDRAWN, stops, stopped)
        self._add_people(1, GRANTED, returns, self._later(stopped, rng))
        self.profiling = profiling & (~stops | returns)

        ads = known & (rng.random(count) < _AD_SHARE)
        ad_stops = ads & (rng.random(count) < _AD_WITHDRAWN)
        self._add_people(2, GRANTED, ads, opened)
        self._add_people(2, WITHDRAWN, ad_stops, self._later(opened, rng))
        # Further records repeat a profiling consent that was never withdrawn, so that what the
        # records of one person say never contradicts itself.
        further = np.flatnonzero(records.origin != PRIMARY)
        further = further[(profiling & ~stops)[records.person[further]]]
        further = further[rng.random(len(further)) < 0.5]
        at = calendar.seconds(records.created_day[further]) + rng.integers(
            8 * 3600, 20 * 3600, len(further)
        )
        self._add(1, GRANTED, further, at)

    def unsubscribe(self, people: np.ndarray, at: np.ndarray) -> None:
        """Withdraw the consent to e-mail of these people at these seconds."""
        self.mail_until[people] = at
        self._add(0, WITHDRAWN, self._records.primary[people], at)

    def _later(self, after: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A moment between ``after`` (and the begin of the history) and the end."""
        begin = np.clip(after, self._calendar.start_second, self._calendar.end_second - 3600)
        room = self._calendar.end_second - 60 - begin
        return begin + 60 + (rng.random(len(after)) ** 0.8 * (room - 60)).astype(np.int64)

    def _add_people(self, purpose: int, status: int, flags: np.ndarray, at: np.ndarray) -> None:
        people = np.flatnonzero(flags)
        self._add(purpose, status, self._records.primary[people], at[people])

    def _add(self, purpose: int, status: int, records: np.ndarray, at: np.ndarray) -> None:
        size = len(records)
        self._parts.append((np.full(size, purpose), np.full(size, status), records, at))

    def write(self, folder: Path) -> int:
        """Write crm/consents; return its rows."""
        purpose, status, record, at = map(np.concatenate, zip(*self._parts, strict=True))
        order = np.lexsort((status, purpose, record, at))
        columns: dict[str, pa.Array] = {
            "consent_event_id": ids("N", np.arange(len(order)) + 1, 8),
            "customer_id": self._records.customer_ids(record[order]),
            "purpose": pick(PURPOSES, purpose[order]),
            "status": pick(STATUSES, status[order]),
            "recorded_at": timestamps(at[order]),
        }
        return write_table(folder / "crm", "consents", columns)


def days_of(seconds: np.ndarray, calendar: Calendar) -> np.ndarray:
    """Day of the history of seconds since 1970."""
    return (seconds - calendar.start_second) // SECONDS_PER_DAY
