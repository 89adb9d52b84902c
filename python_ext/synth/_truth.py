"""_truth/: who is who, what is wrong on purpose, and the parameters of the process."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import _settings as settings
from ._calendar import Calendar
from ._campaigns import Campaigns, campaign_ids
from ._catalogue import Catalogue
from ._consents import FOREVER, Consents
from ._defects import DEFECTS
from ._names import DEPARTMENTS, FOREIGN_PLACES
from ._order_files import customer_numbers
from ._orders import Orders
from ._people import NEVER, People
from ._process import Purchases
from ._records import FUZZY, PRIMARY, Records
from ._sessions import NOBODY, Sessions
from ._toolbox import coded, dates, ids, join, pick, write_table
from ._web import scrambled

_TABLES = {
    "exact_duplicate_same_email": "crm.customers",
    "exact_duplicate_same_phone": "crm.customers",
    "fuzzy_duplicate_person": "crm.customers",
    "duplicate_crm_row": "crm.customers",
    "shared_email": "crm.customers",
    "shared_household_phone": "crm.customers",
    "switchboard_phone": "crm.customers",
    "padded_text": "crm.customers",
    "mixed_case_text": "crm.customers",
    "broken_email": "crm.customers",
    "unknown_country": "crm.customers",
    "future_birth_date": "crm.customers",
    "unreadable_birth_date": "crm.customers",
    "unreadable_created_at": "crm.customers",
    "future_order": "shop.orders",
    "unknown_currency": "shop.orders",
    "guest_order_known_person": "shop.orders",
    "guest_order_unknown_person": "shop.orders",
    "order_unknown_customer": "shop.orders",
    "negative_price": "shop.order_lines",
    "zero_price": "shop.order_lines",
    "orphan_order_line": "shop.order_lines",
    "repeated_web_event": "web.events",
    "clock_skewed_web_event": "web.events",
    "late_web_event": "web.events",
    "shared_cookie": "web.events",
    "repeated_email_event": "email.events",
    "misspelt_country": "crm.customers",
    "spreadsheet_postcode": "crm.customers",
    "impossible_age": "crm.customers",
    "french_gender": "crm.customers",
    "french_order_status": "shop.orders",
    "french_order_channel": "shop.orders",
    "return_without_sale": "shop.order_lines",
    "near_duplicate_web_event": "web.events",
    "near_duplicate_email_event": "email.events",
    "extreme_quantity": "shop.order_lines",
}


def person_ids(person: np.ndarray) -> pa.Array:
    """person_id of persons."""
    return ids("P", np.asarray(person) + 1, 7)


def write_people(
    people: People,
    purchases: Purchases,
    campaigns: Campaigns,
    consents: Consents,
    calendar: Calendar,
    folder: Path,
) -> int:
    """One row per true person; return the number of rows."""
    count = len(people)
    countries = ["FR"] * len(DEPARTMENTS) + [country for country, _, _ in FOREIGN_PLACES]
    window = people.window.astype(np.int64)
    bought = np.bincount(purchases.person, minlength=count)
    caused = np.bincount(campaigns.extra_orders()[1], minlength=count)
    has_mail = (consents.mail_from < FOREVER) & (consents.mail_until == FOREVER)
    columns = {
        "person_id": person_ids(np.arange(count)),
        "type": pick(settings.TYPE_NAMES, people.kind),
        "household_id": ids("H", people.household + 1, 7),
        "is_prospect": pa.array(people.is_prospect),
        "is_seasonal": pa.array(window > 0),
        "active_months": pick(settings.WINDOWS, window),
        "joined_on": dates(people.joined_day + calendar.epoch_day),
        "died_on": dates(
            np.where(purchases.died_day == NEVER, 0, purchases.died_day) + calendar.epoch_day,
            missing=purchases.died_day == NEVER,
        ),
        "purchase_rate": pa.array(people.rate),
        "dropout_probability": pa.array(np.where(people.is_prospect, 0.0, people.dropout)),
        "buys_on_joining": pa.array(people.buys_on_joining),
        "purchase_days": pa.array(bought.astype(np.int32)),
        "campaign_orders": pa.array(caused.astype(np.int32)),
        "favourite_category": pick(settings.CATEGORIES, people.taste.argmax(axis=1)),
        "discount_affinity": pa.array(people.discount),
        "return_rate": pa.array(people.return_rate),
        "web_share": pa.array(people.web_share),
        "open_rate": pa.array(people.open_rate),
        "country": pick(countries, people.place),
        "has_crm_record": pa.array(people.has_crm),
        "has_email_consent": pa.array(has_mail),
        "has_profiling_consent": pa.array(consents.profiling),
    }
    return write_table(folder, "people", columns)


def write_records(people: People, records: Records, orders: Orders, folder: Path) -> int:
    """Every record_id that identity can meet, with the person behind it; return the rows."""
    origins = pa.array([None, "exact_duplicate", "exact_duplicate", "fuzzy_duplicate", "guest"])
    unknown = np.flatnonzero(people.is_shop_only)
    missing = np.full(len(unknown), -1)
    guests = np.unique(orders.person[orders.is_guest])
    address = pc.utf8_lower(pc.utf8_trim_whitespace(records.guest_email.take(pa.array(guests))))
    record_id = pa.concat_arrays(
        [
            join("id:", records.customer_ids(np.arange(len(records)))),
            join("id:", ids("C", customer_numbers(people, records, unknown, missing), 7)),
            join("guest:", address),
        ]
    )
    person = np.concatenate([records.person, unknown, guests])
    origin = np.concatenate(
        [records.origin, np.full(len(unknown), PRIMARY), np.full(len(guests), FUZZY + 1)]
    )
    order = np.argsort(person, kind="stable")
    columns = {
        "record_id": record_id.take(pa.array(order)),
        "person_id": person_ids(person[order]),
        "defect": origins.take(pa.array(origin[order])),
    }
    return write_table(folder, "records", columns)


def write_campaign_truth(campaigns: Campaigns, orders: Orders, folder: Path) -> dict[str, int]:
    """Arms, effects and the orders each campaign caused; return rows by table."""
    numbers = np.arange(settings.CAMPAIGNS)
    campaign, person, treated = map(np.concatenate, zip(*campaigns.arms, strict=True))
    names = ("treated", "control", "extra_orders", "true_uplift", "true_extra_orders_per_treated")
    effects = {name: pa.array([e[name] for e in campaigns.effects]) for name in names}
    by_kind = {name: pa.array([e[name] for e in campaigns.type_effects]) for name in names}
    caused = np.flatnonzero(orders.campaign >= 0)
    return {
        "arms": write_table(
            folder,
            "arms",
            {
                "campaign_id": coded(campaign_ids(numbers), campaign),
                "person_id": person_ids(person),
                "arm": coded(("control", "treatment"), treated),
            },
        ),
        "campaign_effects": write_table(
            folder,
            "campaign_effects",
            {
                "campaign_id": campaign_ids(numbers),
                "base_uplift": pa.array(campaigns.base_uplift),
                **effects,
            },
        ),
        "campaign_effects_by_type": write_table(
            folder,
            "campaign_effects_by_type",
            {
                "campaign_id": campaign_ids(
                    np.array([e["campaign"] for e in campaigns.type_effects])
                ),
                "type": pa.array([e["type"] for e in campaigns.type_effects]),
                **by_kind,
            },
        ),
        "campaign_orders": write_table(
            folder,
            "campaign_orders",
            {
                "campaign_id": campaign_ids(orders.campaign[caused]),
                "person_id": person_ids(orders.person[caused]),
                "order_id": orders.order_ids(caused),
            },
        ),
    }


def write_visitors(sessions: Sessions, folder: Path) -> int:
    """Cookies that left events and the people behind them, null for strangers."""
    used = np.unique(sessions.visitor)
    visitor, second = sessions.shared
    number = np.concatenate([used, visitor])
    person = np.concatenate([sessions.cookie_person[used], second])
    order = np.lexsort((person, number))
    number, person = number[order], person[order]
    columns = {
        "visitor_id": ids("V", scrambled(number), 9),
        "person_id": pc.if_else(
            pa.array(person != NOBODY), person_ids(person), pa.scalar(None, pa.string())
        ),
        "is_shared": pa.array(np.isin(number, visitor)),
    }
    return write_table(folder, "visitors", columns)


def write_defects(defects: dict[str, int], folder: Path) -> int:
    """Exact number of rows of each planted defect."""
    missing = set(DEFECTS) ^ set(defects) | set(DEFECTS) ^ set(_TABLES)
    if missing:
        raise RuntimeError(f"defects without count, table or meaning: {sorted(missing)}")
    names = list(DEFECTS)
    columns = {
        "defect": pa.array(names),
        "source_name": pa.array([_TABLES[name].split(".")[0] for name in names]),
        "table_name": pa.array([_TABLES[name].split(".")[1] for name in names]),
        "rows": pa.array(np.array([defects[name] for name in names], dtype=np.int64)),
        "meaning": pa.array([DEFECTS[name] for name in names]),
    }
    return write_table(folder, "defects", columns)


def write_seasonality(folder: Path) -> int:
    """Factor of each month."""
    columns = {
        "month": pa.array(np.arange(1, 13, dtype=np.int32)),
        "factor": pa.array(np.array(settings.SEASON)),
    }
    return write_table(folder, "seasonality", columns)


def write_parameters(
    customers: int,
    seed: int,
    calendar: Calendar,
    catalogue: Catalogue,
    added_last_day_purchase: bool,
    folder: Path,
) -> None:
    """Everything else of the process."""
    parameters = {
        "customers": customers,
        "seed": seed,
        "start_on": calendar.start.isoformat(),
        "end_on": calendar.end_on.isoformat(),
        "days": calendar.days,
        "added_last_day_purchase": added_last_day_purchase,
        "process": (
            "On day d a person alive buys with probability 1 - exp(-purchase_rate * s(d)), s(d) "
            "the factor of the month, 0 outside active_months; after each purchase day the "
            "person stops for good with dropout_probability. Campaigns add orders on top."
        ),
        "products": len(catalogue.number),
        "currency_units_per_euro": settings.CURRENCY_RATES,
        "prospect_share": settings.PROSPECT_SHARE,
        "installed_base_share": settings.INSTALLED_BASE_SHARE,
        "guest_only_share": settings.GUEST_ONLY_SHARE,
        "shop_only_share": settings.SHOP_ONLY_SHARE,
        "campaigns": settings.CAMPAIGNS,
        "uplift_days": settings.UPLIFT_DAYS,
        "questions": settings.QUESTIONS,
        "types": [asdict(kind) for kind in settings.TYPES],
        "defects": DEFECTS,
    }
    text = json.dumps(parameters, indent=2, ensure_ascii=False)
    (folder / "parameters.json").write_text(text + "\n", encoding="utf-8")
