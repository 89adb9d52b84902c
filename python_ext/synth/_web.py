"""web/events: the events of every session, in the order they arrived, with planted defects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ._calendar import Calendar
from ._campaigns import campaign_ids
from ._catalogue import PER_CATEGORY, Catalogue
from ._orders import Orders
from ._people import People
from ._records import Records
from ._sessions import BUY, DEVICES, NOBODY, SIGN_UP, TRAFFIC, Sessions
from ._settings import CAMPAIGNS, CATEGORIES
from ._toolbox import (
    SECONDS_PER_DAY,
    YEAR_2099,
    choose_column,
    coded,
    expand,
    handful,
    ids,
    join,
    timestamps,
)

EVENTS = (
    "page_view",
    "view_product",
    "search",
    "add_to_cart",
    "begin_checkout",
    "purchase",
    "newsletter_signup",
)
PAGE_VIEW, VIEW_PRODUCT, SEARCH, ADD_TO_CART, BEGIN_CHECKOUT, PURCHASE, NEWSLETTER = range(7)

_LONGEST_PAUSE = 1_500  # seconds; well under the half hour that would begin a new session
_ROWS_AT_ONCE = 1_000_000


class WebEvents:
    """Events in the order of the file; ``row`` points from the file into the made events."""

    def __init__(
        self,
        sessions: Sessions,
        people: People,
        catalogue: Catalogue,
        calendar: Calendar,
        rng: np.random.Generator,
        later_rng: np.random.Generator,
        defects: dict[str, int],
    ) -> None:
        self.sessions = sessions
        events = sessions.events
        first = np.cumsum(events) - events
        self.session = np.repeat(np.arange(len(events), dtype=np.int32), events)
        position = expand(np.zeros(len(events), dtype=np.int64), events)
        self.at, self.engagement = _times(sessions, first, self.session, calendar, rng)
        self.name = _names(sessions, first, self.session, position, rng)
        self.page = _pages(self.name, self.session, sessions, people, catalogue, rng)
        self.is_logged_in = position >= sessions.login_from[self.session]
        self._arrange(calendar, rng, defects)
        self._double_clicks(later_rng, defects)

    def _arrange(
        self, calendar: Calendar, rng: np.random.Generator, defects: dict[str, int]
    ) -> None:
        """Sort by time, repeat some events, add skewed ones, put late ones at the end."""
        total = len(self.at)
        order = np.argsort(self.at, kind="stable")
        repeats, late, skewed = (handful(total, share) for share in (0.003, 0.003, 0.0005))
        # Late events are at least two days older than the end, so they cannot pass as in time.
        old = np.searchsorted(self.at[order], calendar.end_second - 2 * SECONDS_PER_DAY)
        drawn = rng.choice(old, size=repeats + late, replace=False)
        is_late = np.zeros(total, dtype=bool)
        is_late[drawn[repeats:]] = True
        in_time = np.flatnonzero(~is_late)
        position = np.sort(np.concatenate([in_time, drawn[:repeats]]))
        position = np.concatenate([position, rng.permutation(drawn[repeats:])])

        # Skewed events are further ones with the content of a sound one.
        copied = order[rng.choice(total, size=skewed, replace=False)]
        moments = np.where(
            rng.random(skewed) < 0.5,
            rng.integers(0, 200 * SECONDS_PER_DAY, skewed),
            YEAR_2099 + rng.integers(0, 300 * SECONDS_PER_DAY, skewed),
        )
        places = np.sort(rng.integers(0, len(position) - late, skewed))
        self.row = np.insert(order[position], places, copied)
        self.number = np.insert(position + 1, places, total + 1 + np.arange(skewed))
        shifted = places + np.arange(skewed)
        self.skewed = shifted
        self.skewed_at = moments
        defects["repeated_web_event"] = repeats
        defects["late_web_event"] = late
        defects["clock_skewed_web_event"] = skewed

    def _double_clicks(self, rng: np.random.Generator, defects: dict[str, int]) -> None:
        """Send some events twice at once, under another number."""
        total = len(self.at)
        copies = np.bincount(self.number, minlength=total + 1)
        in_time = np.append(np.diff(self.at[self.row]) >= 0, False)
        sound = (copies[self.number] == 1) & (self.number <= total) & in_time
        sound &= np.isin(self.name[self.row], (PAGE_VIEW, VIEW_PRODUCT, SEARCH))
        sound[self.skewed] = False
        places = np.flatnonzero(sound)
        rows = min(handful(total, 0.002), len(places))
        places = np.sort(rng.choice(places, size=rows, replace=False))
        last = self.number.max()
        self.number = np.insert(self.number, places + 1, last + 1 + np.arange(rows))
        self.row = np.insert(self.row, places + 1, self.row[places])
        # A place before which so many events were put moves on by as many.
        self.skewed = self.skewed + np.searchsorted(places, self.skewed)
        defects["near_duplicate_web_event"] = rows

    def write(
        self,
        folder: Path,
        people: People,
        records: Records,
        orders: Orders,
        catalogue: Catalogue,
    ) -> int:
        """Write web/events piece by piece; return its rows."""
        sessions = self.sessions
        (folder / "web").mkdir(parents=True, exist_ok=True)
        visitors = ids("V", scrambled(np.arange(len(sessions.cookie_person))), 9)
        customers = records.customer_ids(np.maximum(records.primary, 0))
        pages = _page_texts(catalogue, orders, sessions)
        traffic = _traffic_texts()
        at = self.at[self.row]
        at[self.skewed] = self.skewed_at
        writer = None
        for begin in range(0, len(self.row), _ROWS_AT_ONCE):
            part = slice(begin, begin + _ROWS_AT_ONCE)
            row = self.row[part]
            session = self.session[row]
            person = sessions.person[session]
            is_known = self.is_logged_in[row] & (person != NOBODY)
            source = sessions.traffic[session]
            table = pa.table(
                {
                    "event_id": ids("E", self.number[part], 9),
                    "visitor_id": coded(visitors, sessions.visitor[session]),
                    "customer_id": coded(customers, np.maximum(person, 0), missing=~is_known),
                    "event_at": timestamps(at[part]),
                    "event_name": coded(EVENTS, self.name[row]),
                    "page_url": coded(pages, self.page[row]),
                    **{
                        name: coded(texts, codes[source], missing=codes[source] < 0)
                        for name, (texts, codes) in traffic.items()
                    },
                    "device": coded(DEVICES, sessions.device[session]),
                    "engagement_seconds": pa.array(self.engagement[row]),
                }
            )
            if writer is None:
                # Identifiers are all different: a dictionary of them would only cost time.
                writer = pq.ParquetWriter(
                    folder / "web" / "events.parquet",
                    table.schema,
                    store_schema=False,
                    use_dictionary=[name for name in table.column_names if name != "event_id"],
                )
            writer.write_table(table)
        if writer is not None:
            writer.close()
        return len(self.row)


def scrambled(numbers: np.ndarray) -> np.ndarray:
    """Numbers below 1e9 in another order, so that cookies of one person do not stand together."""
    # Multiplication by a number coprime to the modulus is one to one.
    return (np.asarray(numbers, dtype=np.int64) + 1) * 387_420_489 % 999_999_937


def _times(
    sessions: Sessions,
    first: np.ndarray,
    session: np.ndarray,
    calendar: Calendar,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Second of every event, and how long it held attention."""
    total = len(session)
    pause = np.minimum(3 + rng.exponential(48, total), _LONGEST_PAUSE).astype(np.int64)
    elapsed = np.cumsum(pause)
    offset = elapsed - pause
    length = offset[first + sessions.events - 1] - offset[first]
    begin = np.where(sessions.purpose == BUY, sessions.time - length, sessions.time)
    # A visit that would outlast the history begins earlier on its last day.
    late = (begin + length >= calendar.end_second) & (sessions.purpose != BUY)
    begin = np.where(late, calendar.end_second - 1 - length, begin)
    at = offset + (begin - offset[first])[session]
    attention = pause * rng.uniform(0.4, 1.0, total)
    return at, np.round(np.minimum(attention, 600), 1)


def _names(
    sessions: Sessions,
    first: np.ndarray,
    session: np.ndarray,
    position: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Event names: browsing at random, a purchase through cart and checkout."""
    shares = np.cumsum([0.36, 0.44, 0.11, 0.07, 0.02])
    name = np.searchsorted(shares, rng.random(len(session)), side="right").astype(np.int8)
    name = np.minimum(name, BEGIN_CHECKOUT).astype(np.int8)
    opening = np.where(rng.random(len(first)) < 0.7, PAGE_VIEW, VIEW_PRODUCT)
    name[first] = opening
    last = first + sessions.events - 1
    buys = sessions.purpose == BUY
    for back, event in ((0, PURCHASE), (1, BEGIN_CHECKOUT), (2, ADD_TO_CART)):
        name[last[buys] - back] = event
    signs = sessions.purpose == SIGN_UP
    name[first[signs]] = PAGE_VIEW
    name[last[signs]] = NEWSLETTER
    return name


def _pages(
    name: np.ndarray,
    session: np.ndarray,
    sessions: Sessions,
    people: People,
    catalogue: Catalogue,
    rng: np.random.Generator,
) -> np.ndarray:
    """Code of the page of every event into _page_texts; products by the person's taste."""
    categories = len(CATEGORIES)
    products = categories * PER_CATEGORY
    person = sessions.person[session]
    page = np.zeros(len(name), dtype=np.int32)
    shown = np.flatnonzero(
        (name == VIEW_PRODUCT) | (name == ADD_TO_CART) | (name == SEARCH) | (name == PAGE_VIEW)
    )
    cumulative = np.concatenate(
        [np.cumsum(people.taste, axis=1), np.linspace(1 / categories, 1, categories)[None, :]]
    ).astype(np.float32)
    # Row NOBODY = -1 is the last: strangers look at anything.
    category = choose_column(rng, cumulative[person[shown]])
    event = name[shown]
    is_product = (event == VIEW_PRODUCT) | (event == ADD_TO_CART)
    item = category * PER_CATEGORY + rng.integers(0, PER_CATEGORY, len(shown))
    is_home = rng.random(len(shown)) < 0.35
    listing = np.where(is_home, 0, 1 + category)
    found = 1 + categories + category
    page[shown] = np.where(
        is_product, 1 + 2 * categories + item, np.where(event == SEARCH, found, listing)
    )
    fixed = 1 + 2 * categories + products
    page[name == BEGIN_CHECKOUT] = fixed
    page[name == NEWSLETTER] = fixed + 1
    bought = np.flatnonzero(name == PURCHASE)
    page[bought] = fixed + 2 + np.arange(len(bought))
    return page


def _page_texts(catalogue: Catalogue, orders: Orders, sessions: Sessions) -> pa.Array:
    """Every page there is; the confirmation pages name their order."""
    listings = ["/", *(f"/c/{name}" for name in CATEGORIES)]
    listings += [f"/recherche?q={name}" for name in CATEGORIES]
    confirmed = sessions.order[sessions.purpose == BUY]
    return pa.concat_arrays(
        [
            pa.array(listings),
            join("/p/", catalogue.product_ids),
            pa.array(["/commande", "/newsletter"]),
            join("/commande/merci?order=", orders.order_ids(confirmed)),
        ]
    )


def _traffic_texts() -> dict[str, tuple[list[str], np.ndarray]]:
    """Texts and, by traffic source, their codes (-1 = null) of the three utm columns."""
    mails = campaign_ids(np.arange(CAMPAIGNS)).to_pylist()
    # A session's code is MAIL_TRAFFIC plus the campaign number: mails follow the fixed sources.
    sources = [*TRAFFIC, *(("newsletter", "email", mail) for mail in mails)]
    columns = {}
    for index, name in enumerate(("utm_source", "utm_medium", "utm_campaign")):
        texts = list(dict.fromkeys(source[index] for source in sources if source[index]))
        codes = [texts.index(source[index]) if source[index] else -1 for source in sources]
        columns[name] = (texts, np.array(codes))
    return columns
