"""The generator: every stage in turn, into a folder that appears only when all is written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import yaml

from . import _truth as truth
from ._arrivals import split_arrivals
from ._calendar import Calendar
from ._campaigns import run_campaigns, write_campaigns
from ._catalogue import make_catalogue
from ._consents import Consents
from ._crm import social_handles, write_customers
from ._external import write_area_statistics
from ._order_files import write_orders
from ._orders import make_orders
from ._people import make_people
from ._process import add_last_day_purchase, simulate_purchases
from ._records import Pool, make_records
from ._sessions import make_sessions
from ._toolbox import stream
from ._voice import write_erasure_requests, write_mentions, write_support, write_survey
from ._web import WebEvents

FEWEST_CUSTOMERS = 200

_DATASET = {
    "name": "demo",
    "title": "Demo: a fictitious French retailer (synthetic data, no real person or purchase)",
    "synthetic": True,
    "public": True,
    "vars": {
        "dataset": "demo",
        "base_currency": "EUR",
        "sources": {
            name: True for name in ("crm", "shop", "web", "email", "survey", "social", "external")
        },
    },
}

_README = """\
SYNTHETIC DATA

Everything in this folder is made up by a program: a fictitious French retailer, its customers,
their purchases, visits, mails and opinions. No person, address, purchase or campaign is real.
E-mail addresses use domains reserved for examples, telephone numbers the ranges the French
regulator keeps free for fiction. Area statistics are invented as well.

The data are dirty on purpose. _truth/defects.parquet counts what was planted, the other files of
_truth/ hold what an analysis should find: who is the same person, the customer types, the
purchase process, the true effect of each campaign.

{customers} people, seed {seed}, {start} to {end}.
"""


def generate(
    customers: int,
    seed: int,
    out: Path,
    end_on: date = date(2026, 6, 30),
    progress: Callable[[str], None] | None = None,
    arrivals: int = 0,
) -> dict:
    """Write the demo dataset: raw tables, dataset.yml, README.txt and _truth/.

    Parameters
    ----------
    customers
        Number of true persons, prospects included; the CRM has more records than that through
        planted duplicates. At least 200.
    seed
        Of all random numbers, at least 0; the same seed gives the same files byte by byte.
    out
        Folder of the dataset. It is written beside its place and moved there at the end.
    end_on
        Last day of the three years of history; the last transaction is on that day.
    progress
        Called with a line of text at each stage.
    arrivals
        How many of the last days arrive in a file of their own, in a folder for each event table;
        0 for one file a table.

    Returns
    -------
    dict
        path, customers, start_on, end_on, tables (rows by "source.table") and defects (rows by
        name).

    Raises
    ------
    ValueError
        If customers, seed or arrivals is too small.
    FileExistsError
        If ``out`` holds something else than a synthetic dataset: that is never overwritten.
    """
    if customers < FEWEST_CUSTOMERS:
        raise ValueError(f"customers must be at least {FEWEST_CUSTOMERS}, not {customers}")
    if seed < 0:
        raise ValueError(f"seed must not be negative, not {seed}")
    if arrivals < 0:
        raise ValueError(f"arrivals must not be negative, not {arrivals}")
    out = Path(out)
    _refuse_foreign(out)
    folder = out.with_name(out.name + ".partial")
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    calendar = Calendar.ending(end_on)
    result = _write_all(customers, seed, calendar, folder, progress or (lambda text: None))
    if arrivals:
        result["tables"].update(split_arrivals(folder, calendar, seed, arrivals))
    if out.exists():
        shutil.rmtree(out)
    folder.rename(out)
    return {
        "path": str(out),
        "customers": customers,
        "start_on": calendar.start,
        "end_on": calendar.end_on,
        **result,
    }


def _refuse_foreign(out: Path) -> None:
    """Stop before a folder that this generator has not made would be replaced."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    described = out / "dataset.yml"
    content = yaml.safe_load(described.read_text("utf-8")) if described.is_file() else None
    if not (isinstance(content, dict) and content.get("synthetic") is True):
        raise FileExistsError(f"{out} exists and is no synthetic dataset: choose another folder")


def _write_all(
    customers: int,
    seed: int,
    calendar: Calendar,
    folder: Path,
    progress: Callable[[str], None],
) -> dict:
    defects: dict[str, int] = {}
    tables: dict[str, int] = {}
    hidden = folder / "_truth"

    progress("People and households")
    people = make_people(customers, calendar, stream(seed, "people"))
    purchases = simulate_purchases(
        rate=people.rate,
        dropout=people.dropout,
        window=people.window,
        joined_day=people.joined_day,
        buys_on_joining=people.buys_on_joining,
        calendar=calendar,
        rng=stream(seed, "purchases"),
    )
    is_open = people.has_crm & ~people.is_prospect
    is_open &= (people.joined_day < calendar.days - 1) & (calendar.weights[people.window, -1] > 0)
    is_added = add_last_day_purchase(purchases, is_open, people.rate, calendar)

    progress("CRM records and consents")
    pool = Pool(np.flatnonzero(people.has_crm), stream(seed, "pool"))
    records = make_records(people, pool, calendar, stream(seed, "records"))
    defects.update(records.defects)
    handles = social_handles(people, stream(seed, "handles"))
    tables["crm.customers"] = write_customers(
        people,
        records,
        handles,
        pool,
        calendar,
        folder,
        stream(seed, "customers"),
        stream(seed, "customers_later"),
        defects,
    )
    consents = Consents(people, records, calendar, stream(seed, "consents"))

    progress("E-mail campaigns")
    campaigns = run_campaigns(
        people, purchases, records, consents, calendar, stream(seed, "campaigns")
    )
    tables["crm.consents"] = consents.write(folder)
    tables.update(
        write_campaigns(
            campaigns,
            records,
            folder,
            stream(seed, "email_events"),
            stream(seed, "email_events_later"),
            defects,
        )
    )

    progress("Orders")
    catalogue = make_catalogue(stream(seed, "catalogue"))
    tables["shop.products"] = catalogue.write(folder)
    orders = make_orders(
        people,
        purchases,
        campaigns.extra_orders(),
        records,
        catalogue,
        calendar,
        stream(seed, "orders"),
        defects,
    )
    tables.update(
        write_orders(
            orders,
            people,
            records,
            catalogue,
            folder,
            stream(seed, "order_lines"),
            stream(seed, "order_lines_later"),
            defects,
            stream(seed, "extreme_quantities"),
        )
    )

    progress("Support, survey, social media, areas")
    tables["crm.support_tickets"] = write_support(
        people, purchases, orders, records, calendar, folder, stream(seed, "support")
    )
    tables["crm.erasure_requests"] = write_erasure_requests(
        people, records, calendar, folder, stream(seed, "erasure")
    )
    tables["survey.responses"] = write_survey(
        people, records, calendar, folder, stream(seed, "survey")
    )
    tables["social.mentions"] = write_mentions(
        people, handles, calendar, folder, stream(seed, "mentions")
    )
    tables["external.area_statistics"] = write_area_statistics(folder, stream(seed, "areas"))

    progress("Truth")
    truth.write_people(people, purchases, campaigns, consents, calendar, hidden)
    truth.write_records(people, records, orders, hidden)
    truth.write_campaign_truth(campaigns, orders, hidden)
    truth.write_seasonality(hidden)
    truth.write_parameters(customers, seed, calendar, catalogue, is_added, hidden)

    progress("Web events")
    sessions = make_sessions(
        people, purchases, orders, campaigns, consents, calendar, stream(seed, "sessions"), defects
    )
    truth.write_visitors(sessions, hidden)
    events = WebEvents(
        sessions,
        people,
        catalogue,
        calendar,
        stream(seed, "web"),
        stream(seed, "web_later"),
        defects,
    )
    tables["web.events"] = events.write(folder, people, records, orders, catalogue)

    truth.write_defects(defects, hidden)
    text = yaml.safe_dump(_DATASET, sort_keys=False, allow_unicode=True, width=100)
    (folder / "dataset.yml").write_text(text, encoding="utf-8")
    readme = _README.format(
        customers=customers, seed=seed, start=calendar.start, end=calendar.end_on
    )
    (folder / "README.txt").write_text(readme, encoding="utf-8")
    return {"tables": tables, "defects": defects}
