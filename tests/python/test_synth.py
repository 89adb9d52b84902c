"""The demo dataset against its own truth: tables, defects, purchase process, uplift."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

import python_ext.synth as synth
from python_ext.synth import generate, oracle_purchase_probability
from python_ext.synth._calendar import Calendar
from python_ext.synth._people import NEVER, make_people
from python_ext.synth._process import simulate_purchases
from python_ext.synth._settings import SEASON, WINDOWS
from python_ext.synth._toolbox import coded

END_ON = date(2026, 6, 30)
CUSTOMERS = 1000

CONTRACT = {
    "crm/customers": {
        **dict.fromkeys(
            ("customer_id", "email", "phone", "first_name", "last_name", "address", "postcode"),
            "string",
        ),
        **dict.fromkeys(("city", "country", "birth_date", "gender", "profession"), "string"),
        "household_income": "double",
        **dict.fromkeys(
            ("acquisition_channel", "social_handle", "created_at", "updated_at"), "string"
        ),
    },
    "crm/consents": {
        "consent_event_id": "string",
        "customer_id": "string",
        "purpose": "string",
        "status": "string",
        "recorded_at": "timestamp[us]",
    },
    "crm/support_tickets": {
        "ticket_id": "string",
        "customer_id": "string",
        "category": "string",
        "opened_at": "timestamp[us]",
        "closed_at": "timestamp[us]",
        "satisfaction": "int32",
    },
    "crm/erasure_requests": {
        "request_id": "string",
        "customer_id": "string",
        "requested_at": "timestamp[us]",
    },
    "shop/orders": {
        "order_id": "string",
        "customer_id": "string",
        "guest_email": "string",
        "ordered_at": "timestamp[us]",
        "status": "string",
        "channel": "string",
        "currency": "string",
        "discount_amount": "double",
    },
    "shop/order_lines": {
        "order_id": "string",
        "line_number": "int32",
        "product_id": "string",
        "quantity": "double",
        "unit_price": "double",
    },
    "shop/products": {
        "product_id": "string",
        "category": "string",
        "subcategory": "string",
        "unit_cost": "double",
    },
    "web/events": {
        "event_id": "string",
        "visitor_id": "string",
        "customer_id": "string",
        "event_at": "timestamp[us]",
        **dict.fromkeys(
            ("event_name", "page_url", "utm_source", "utm_medium", "utm_campaign", "device"),
            "string",
        ),
        "engagement_seconds": "double",
    },
    "email/campaigns": {
        "campaign_id": "string",
        "sent_at": "timestamp[us]",
        "subject": "string",
        "cost": "double",
        "treatment_share": "double",
    },
    "email/events": {
        "event_id": "string",
        "campaign_id": "string",
        "customer_id": "string",
        "event_name": "string",
        "event_at": "timestamp[us]",
    },
    "survey/responses": {
        "response_id": "string",
        "customer_id": "string",
        "question": "string",
        "answer": "int32",
        "answered_at": "timestamp[us]",
    },
    "social/mentions": {
        "mention_id": "string",
        "social_handle": "string",
        "platform": "string",
        "mentioned_at": "timestamp[us]",
        "sentiment": "double",
        "reach": "int32",
    },
    "external/area_statistics": {
        "country": "string",
        "postcode_prefix": "string",
        "median_income": "double",
        "unemployment_rate": "double",
        "population_density": "double",
        "distance_to_centre_km": "double",
    },
}

CATEGORIES = (
    "fashion",
    "beauty",
    "home",
    "groceries",
    "kids",
    "gifts",
    "leisure",
    "electronics",
)

# Each counts the rows of one defect in the raw tables alone, but fuzzy duplicates, which no
# query can find. `c` is crm.customers with the repeated rows removed and the keys normalised.
COUNTS = {
    "exact_duplicate_same_email": """
        select sum(n - 1) from (select count(*) as n from c where email_ok
        group by email_key, first_key, last_key)""",
    "exact_duplicate_same_phone": """
        select sum(n - 1) from (select count(distinct coalesce(email_key, customer_id)) as n
        from c where phone_key is not null and phone_key <> '0199000000'
        group by phone_key, first_key, last_key)""",
    "duplicate_crm_row": "select count(*) - count(distinct customer_id) from customers",
    "shared_email": """
        select sum(n - 1) from (select count(distinct first_key) as n from c where email_ok
        group by email_key)""",
    "shared_household_phone": """
        select sum(records) from (select count(distinct first_key) as people, count(*) as records
        from c where phone_key <> '0199000000' group by phone_key) where people > 1""",
    "switchboard_phone": "select count(*) from c where phone_key = '0199000000'",
    "padded_text": "select count(*) from c where last_name <> trim(last_name)",
    "mixed_case_text": """
        select count(*) from c where last_name in (upper(last_name), lower(last_name))""",
    "broken_email": "select count(*) from c where email is not null and not email_ok",
    "unknown_country": "select count(*) from c where country in ('XX', 'Atlantis', '??')",
    "future_birth_date": "select count(*) from c where born > date '2030-01-01'",
    "unreadable_birth_date": """
        select count(*) from c where birth_date is not null and born is null""",
    "unreadable_created_at": """
        select count(*) from c where created_at is not null and created is null""",
    "future_order": "select count(*) from orders where ordered_at >= date '2099-01-01'",
    "unknown_currency": "select count(*) from orders where currency = 'XXX'",
    "guest_order_known_person": """
        select count(*) from orders where customer_id is null
        and lower(trim(guest_email)) in (select email_key from c where email_ok)""",
    "guest_order_unknown_person": """
        select count(*) from orders where customer_id is null
        and lower(trim(guest_email)) not in (select email_key from c where email_ok)""",
    "order_unknown_customer": """
        select count(*) from orders where customer_id not in (select customer_id from c)""",
    "negative_price": "select count(*) from order_lines where unit_price < 0 and quantity > 0",
    "zero_price": "select count(*) from order_lines where unit_price = 0 and quantity > 0",
    "orphan_order_line": """
        select count(*) from order_lines where order_id not in (select order_id from orders)""",
    "repeated_web_event": "select count(*) - count(distinct event_id) from web_events",
    "clock_skewed_web_event": """
        select count(*) from web_events where year(event_at) not between 2000 and 2098""",
    "late_web_event": """
        select count(*) from (
            select event_at, max(event_at) over (order by file_row_number
                rows between unbounded preceding and 1 preceding) as latest
            from web_events where year(event_at) between 2000 and 2098)
        where event_at < latest""",
    "shared_cookie": """
        select count(*) from (select visitor_id from web_events where customer_id is not null
        group by visitor_id having count(distinct customer_id) > 1)""",
    "repeated_email_event": "select count(*) - count(distinct event_id) from email_events",
    "misspelt_country": """
        select count(*) from c where country in ('Frnce', 'Francce', 'Frence', 'FRANCR',
        'Farance')""",
    "spreadsheet_postcode": """
        select count(*) from c where lower(trim(country)) in ('fr', 'france')
        and length(postcode) = 4""",
    "impossible_age": "select count(*) from c where year(born) between 1870 and 1878",
    "french_gender": "select count(*) from c where gender not in ('F', 'M')",
    "french_order_status": "select count(*) from raw_orders where status = 'annulée'",
    "french_order_channel": "select count(*) from raw_orders where channel = 'magasin'",
    "return_without_sale": """
        select count(*) from (
            select p.household_id, l.product_id, s.ordered_at
            from order_lines as l join sound as s using (order_id)
            join people as p using (person_id) where l.quantity < 0) as back
        where not exists (
            select 1 from order_lines as l join sound as s using (order_id)
            join people as p using (person_id)
            where l.quantity > 0 and l.product_id = back.product_id
            and p.household_id = back.household_id and s.ordered_at <= back.ordered_at)""",
    "near_duplicate_web_event": """
        select sum(n - 1) from (select count(distinct event_id) as n from web_events
        where year(event_at) between 2000 and 2098
        group by visitor_id, event_name, page_url, event_at)""",
    "near_duplicate_email_event": """
        select sum(n - 1) from (select count(distinct event_id) as n from email_events
        group by customer_id, campaign_id, event_name, event_at)""",
    "fuzzy_duplicate_person": "select count(*) from records where defect = 'fuzzy_duplicate'",
    "extreme_quantity": "select count(*) from order_lines where quantity >= 120",
}

FORMATS = [
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%Y%m%d",
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("synth") / "demo"
    return folder, generate(CUSTOMERS, 7, folder)


@pytest.fixture(scope="module")
def con(demo: tuple[Path, dict]) -> duckdb.DuckDBPyConnection:
    return connect(demo[0])


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    """Views over all tables; `c`, and `sound` orders with their person."""
    con = duckdb.connect()
    for name in CONTRACT:
        table = name.split("/")[1] if not name.endswith("events") else name.replace("/", "_")
        con.execute(
            f"create view {table} as "
            f"from read_parquet('{folder}/{name}.parquet', file_row_number = true)"
        )
    con.execute("alter view orders rename to raw_orders")
    con.execute("""
        create view orders as
        select * replace (
            if(status = 'annulée', 'cancelled', status) as status,
            if(channel = 'magasin', 'store', channel) as channel)
        from raw_orders""")
    for path in sorted((folder / "_truth").glob("*.parquet")):
        con.execute(f"create view {path.stem} as from '{path}'")
    con.execute(rf"""
        create table c as
        select
            * exclude (phone_text),
            regexp_matches(email_key, '^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$') as email_ok,
            regexp_replace(regexp_replace(phone_text, '^\+33', '0'), '^0033', '0') as phone_key,
            try_strptime(birth_date, {FORMATS}) as born,
            try_strptime(created_at, {FORMATS}) as created
        from (
            select distinct
                * exclude (file_row_number),
                lower(trim(email)) as email_key,
                lower(trim(first_name)) as first_key,
                lower(trim(last_name)) as last_key,
                regexp_replace(phone, '[ .]', '', 'g') as phone_text
            from customers)""")
    con.execute("""
        create table sound as
        select o.*, r.person_id
        from orders as o
        join records as r
            on r.record_id
            = coalesce('id:' || o.customer_id, 'guest:' || lower(trim(o.guest_email)))
        where o.ordered_at < date '2099-01-01' and o.currency <> 'XXX'""")
    return con


def value(con: duckdb.DuckDBPyConnection, query: str):
    return con.execute(query).fetchone()[0]


def content(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_every_table_has_the_declared_columns_and_types(demo):
    folder, result = demo
    for name, columns in CONTRACT.items():
        schema = pq.read_schema(folder / f"{name}.parquet")
        assert {field.name: str(field.type) for field in schema} == columns, name
        assert schema.names == list(columns), name
        rows = pq.read_metadata(folder / f"{name}.parquet").num_rows
        assert result["tables"][name.replace("/", ".")] == rows > 0
    assert set(result["tables"]) == {name.replace("/", ".") for name in CONTRACT}


def test_dataset_is_labelled_synthetic(demo):
    folder, _ = demo
    described = yaml.safe_load((folder / "dataset.yml").read_text("utf-8"))
    assert described["name"] == "demo"
    assert described["synthetic"] is True and described["public"] is True
    assert "synthetic" in described["title"]
    assert described["vars"]["dataset"] == "demo"
    assert described["vars"]["base_currency"] == "EUR"
    assert set(described["vars"]["sources"]) == {name.split("/")[0] for name in CONTRACT}
    assert all(described["vars"]["sources"].values())
    assert "SYNTHETIC" in (folder / "README.txt").read_text("utf-8")


def test_same_seed_same_bytes_other_seed_other_data(tmp_path):
    first, again, other = (tmp_path / name for name in ("first", "again", "other"))
    generate(300, 11, first)
    generate(300, 11, again)
    generate(300, 12, other)
    expected = content(first)
    assert content(again) == expected
    # Only what does not depend on chance may stay the same.
    fixed = {"dataset.yml", "_truth/seasonality.parquet"}
    same = {name for name, digest in content(other).items() if expected[name] == digest}
    assert same <= fixed


def test_coded_columns_have_no_value_twice():
    # The Parquet writer fills pages of such a dictionary with bytes that differ from run to run.
    column = coded(["a", "a", "b"], np.array([True, False, True]), missing=np.array([0, 0, 1]) > 0)
    assert column.dictionary.to_pylist() == ["a", "b"]
    assert column.to_pylist() == ["a", "a", None]


def test_progress_is_reported_and_result_describes_the_dataset(tmp_path):
    lines: list[str] = []
    result = generate(200, 1, tmp_path / "d", date(2025, 3, 15), lines.append)
    assert len(lines) >= 5
    assert (result["start_on"], result["end_on"]) == (date(2022, 3, 16), date(2025, 3, 15))
    con = connect(tmp_path / "d")
    assert value(con, "select max(ordered_at)::date from sound") == date(2025, 3, 15)
    assert value(con, "select min(rows) from defects") >= 3


def test_refuses_bad_arguments_and_foreign_folders(tmp_path):
    with pytest.raises(ValueError, match="at least 200"):
        generate(199, 1, tmp_path / "d")
    with pytest.raises(ValueError, match="seed"):
        generate(200, -1, tmp_path / "d")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "orders.csv").write_text("order_id\n")
    with pytest.raises(FileExistsError, match="synthetic"):
        generate(200, 1, mine)
    assert [path.name for path in mine.iterdir()] == ["orders.csv"]
    # A dataset of its own is replaced as a whole.
    generate(200, 1, tmp_path / "d")
    (tmp_path / "d" / "stale.txt").write_text("old")
    generate(200, 2, tmp_path / "d")
    assert not (tmp_path / "d" / "stale.txt").exists()


def test_calendar_survives_leap_days():
    assert Calendar.ending(date(2024, 2, 29)).start == date(2021, 3, 1)
    assert Calendar.ending(date(2024, 2, 28)).start == date(2021, 2, 28)
    assert Calendar.ending(END_ON).days == 1096


@pytest.mark.parametrize("defect", sorted(COUNTS))
def test_defect_is_planted_as_often_as_the_truth_says(con, demo, defect):
    planted = value(con, f"select rows from defects where defect = '{defect}'")
    assert value(con, COUNTS[defect]) == planted == demo[1]["defects"][defect]
    assert planted >= 3


def test_every_defect_is_counted_and_explained(con):
    names = {name for (name,) in con.execute("select defect from defects").fetchall()}
    assert names == set(COUNTS)
    assert all(f"\n{name}\n" in synth.__doc__ for name in names)


def test_repeats_are_identical_to_the_letter(con):
    for table in ("customers", "web_events", "email_events"):
        key = "customer_id" if table == "customers" else "event_id"
        distinct = value(
            con,
            f"select count(*) from (select distinct * exclude (file_row_number) from {table})",
        )
        assert distinct == value(con, f"select count(distinct {key}) from {table}"), table


def test_fuzzy_duplicates_share_no_key_and_chains_are_four_long(con):
    shared = value(
        con,
        """
        select count(*) from c
        join records as r on r.record_id = 'id:' || c.customer_id and defect = 'fuzzy_duplicate'
        join c as other
            on other.customer_id <> c.customer_id
            and (other.email_key = c.email_key or other.phone_key = c.phone_key)""",
    )
    assert shared == 0
    assert (
        value(
            con,
            """
        select count(*) from (
            select person_id from records where defect = 'exact_duplicate'
            group by person_id having count(*) = 3)""",
        )
        == 3
    )


def test_all_seven_date_formats_are_used(con):
    shapes = r"""select distinct regexp_replace({0}, '\d', '9', 'g') from c where {1}"""
    for column, parsed in (("created_at", "created"), ("birth_date", "born")):
        query = shapes.format(column, f"{parsed} is not null")
        assert {shape for (shape,) in con.execute(query).fetchall()} == {
            "9999-99-99",
            "9999-99-99 99:99:99",
            "9999-99-99T99:99:99Z",
            "99/99/9999",
            "99.99.9999",
            "99-99-9999",
            "99999999",
        }


def test_every_record_has_one_person(con):
    assert value(con, "select count(*) - count(distinct record_id) from records") == 0
    known = """
        select 'id:' || customer_id as record_id from customers
        union select coalesce('id:' || customer_id, 'guest:' || lower(trim(guest_email)))
        from orders"""
    missing = f"select count(*) from ({known}) anti join records using (record_id)"
    assert value(con, missing) == 0
    assert value(con, f"select count(*) from records anti join ({known}) using (record_id)") == 0
    assert value(con, "select count(*) from records anti join people using (person_id)") == 0
    assert value(con, "select count(*) from people") == CUSTOMERS
    # Nobody is without a record, and every prospect is known to the CRM.
    assert value(con, "select count(*) from people anti join records using (person_id)") == 0
    unknown_prospects = "select count(*) from people where is_prospect and not has_crm_record"
    assert value(con, unknown_prospects) == 0


def test_references_hold_outside_the_planted_defects(con):
    for table in ("consents", "support_tickets", "erasure_requests", "responses", "email_events"):
        assert value(con, f"select count(*) from {table} anti join c using (customer_id)") == 0
    strangers = "from web_events where customer_id is not null"
    assert value(con, f"select count(*) from ({strangers}) anti join c using (customer_id)") == 0
    assert value(con, "select count(*) from order_lines anti join products using (product_id)") == 0
    assert value(con, "select count(*) from orders anti join order_lines using (order_id)") == 0
    assert value(con, "select count(*) - count(distinct order_id) from orders") == 0
    key = "select count(*) - count(distinct (order_id, line_number)) from order_lines"
    assert value(con, key) == 0
    areas = """
        select count(*) from c where country = 'FR' and (country, left(postcode, 2))
        not in (select (country, postcode_prefix) from area_statistics)"""
    assert value(con, areas) == 0
    assert value(con, "select count(*) from mentions semi join c using (social_handle)") > 0


def test_meaning_of_orders(con):
    signs = """
        select o.status, min(l.quantity), max(l.quantity)
        from orders as o join order_lines as l using (order_id) group by o.status order by 1"""
    ranges = {status: (low, high) for status, low, high in con.execute(signs).fetchall()}
    assert set(ranges) == {"completed", "cancelled", "returned"}
    assert ranges["returned"][1] < 0 < min(ranges["completed"][0], ranges["cancelled"][0])
    assert value(con, "select min(discount_amount) from orders") == 0
    # A discount never exceeds what the lines are worth.
    assert (
        value(
            con,
            """
        select count(*) from (
            select o.order_id, o.discount_amount, sum(quantity * unit_price) as value
            from orders as o join order_lines using (order_id)
            where quantity > 0 and unit_price > 0 group by all)
        where discount_amount > value""",
        )
        == 0
    )
    currencies = {
        name for (name,) in con.execute("select distinct currency from orders").fetchall()
    }
    assert currencies == {"EUR", "CHF", "GBP", "XXX"}


def test_last_accepted_transaction_is_on_the_last_day(con):
    last = value(con, "select max(ordered_at)::date from sound where status = 'completed'")
    assert last == END_ON
    assert value(con, "select max(ordered_at)::date from sound") == END_ON
    events = "select max(event_at)::date from web_events where year(event_at) < 2099"
    assert value(con, events) <= END_ON


def test_volume_and_one_time_buyers_are_in_range(con):
    assert 8 < value(con, "select count(*) from orders") / CUSTOMERS < 12
    assert 35 < value(con, "select count(*) from web_events") / CUSTOMERS < 65
    one_time = "select avg((purchase_days = 1)::int) from people where purchase_days > 0"
    assert 0.15 < value(con, one_time) < 0.25
    assert value(con, "select avg(is_prospect::int) from people") == pytest.approx(0.08)
    answered = "select count(distinct customer_id) / (select count(*) from c) from responses"
    assert 0.15 < value(con, answered) < 0.25


def test_truth_of_purchases_is_in_the_orders(con):
    days = con.execute("""
        select p.person_id, p.purchase_days, p.joined_on, p.died_on, p.is_prospect,
            count(distinct s.ordered_at::date) as found, max(s.ordered_at)::date as last_on
        from people as p
        left join (
            select * from sound anti join campaign_orders using (order_id)
            where status = 'completed') as s using (person_id)
        group by all""").df()
    assert (days["found"] == days["purchase_days"]).all()
    assert (days.loc[days["is_prospect"], "purchase_days"] == 0).all()
    dead = days[days["died_on"].notna()]
    assert len(dead) > 200 and (dead["died_on"] == dead["last_on"]).all()
    # Nobody places a cancelled or campaign order after the end either.
    late = """
        select count(*) from sound join people using (person_id)
        where status <> 'returned' and ordered_at::date > died_on"""
    assert value(con, late) == 0


def test_web_orders_end_their_session(con):
    query = r"""
        select count(*) as n, count(o.order_id) as found,
            avg((e.event_at = o.ordered_at)::int) as in_time
        from web_events as e
        left join orders as o
            on o.order_id = regexp_extract(e.page_url, 'order=(.*)', 1) and o.channel = 'web'
        where e.event_name = 'purchase' and year(e.event_at) between 2000 and 2098"""
    events, found, in_time = con.execute(query).fetchone()
    assert events == found > 500 and in_time == 1
    # The way to the order is one session under the thirty-minute rule.
    checkout = """
        select count(*) from (
            select event_name, event_at, event_at - lag(event_at) over (
                partition by visitor_id order by event_at, event_id) as pause
            from (select distinct on (event_id) * from web_events))
        where event_name = 'purchase' and coalesce(pause >= interval 30 minutes, true)
        and year(event_at) between 2000 and 2098"""
    assert value(con, checkout) == 0
    # Every cookie has an owner in the truth, and its logins are of that owner.
    assert value(con, "select count(*) from web_events anti join visitors using (visitor_id)") == 0
    assert value(con, "select count(*) from visitors where person_id is null") > 20
    wrong = """
        select count(*) from web_events as e
        join records as r on r.record_id = 'id:' || e.customer_id
        anti join visitors as v on v.visitor_id = e.visitor_id and v.person_id = r.person_id"""
    assert value(con, wrong) == 0


def test_mail_goes_to_the_treated_who_consented(con):
    sent = """
        create or replace temp view sent as
        select distinct e.campaign_id, e.customer_id, e.event_at, r.person_id
        from email_events as e join records as r on r.record_id = 'id:' || e.customer_id
        where e.event_name = 'sent'"""
    con.execute(sent)
    treated = "select count(*) from arms where arm = 'treatment'"
    assert value(con, "select count(*) from sent") == value(con, treated)
    outside = """
        select count(*) from sent anti join (from arms where arm = 'treatment') as a
        on a.campaign_id = sent.campaign_id and a.person_id = sent.person_id"""
    assert value(con, outside) == 0
    last_word = """
        select count(*) from (
            select s.campaign_id, s.customer_id, max_by(k.status, k.recorded_at) as status
            from sent as s join campaigns as m using (campaign_id)
            left join consents as k
                on k.customer_id = s.customer_id and k.purpose = 'email_marketing'
                and k.recorded_at < m.sent_at
            group by all)
        where status is distinct from 'granted'"""
    assert value(con, last_word) == 0
    after = """
        select count(*) from email_events as e semi join (
            from email_events where event_name = 'bounce') as b
        on b.campaign_id = e.campaign_id and b.customer_id = e.customer_id
        where e.event_name not in ('sent', 'bounce')"""
    assert value(con, after) == 0
    unsubscribed = """
        select count(*) from (from email_events where event_name = 'unsubscribe') as e
        anti join consents as k on k.customer_id = e.customer_id
        and k.recorded_at = e.event_at and k.status = 'withdrawn'"""
    assert value(con, unsubscribed) == 0


def test_seasonality_is_visible(con):
    share = """
        select avg((month(ordered_at) in ({months}))::int) from sound
        join people using (person_id) where {who} and status = 'completed'"""
    yearly = "active_months is null"
    assert value(con, share.format(months="1, 7, 12", who=yearly)) > 0.28
    assert value(con, share.format(months="2, 3, 8", who=yearly)) < 0.24
    visitors = "type = 'seasonal_visitor'"
    assert value(con, share.format(months="6, 7, 8, 9", who=visitors)) == 1
    outside = """
        select count(*) from sound join people using (person_id)
        where active_months is not null and status = 'completed'
        and not list_contains(string_split(active_months, ','), month(ordered_at)::text)"""
    assert value(con, outside) == 0
    assert value(con, "select avg(factor) from seasonality") == pytest.approx(1.0, abs=1e-5)


def test_planted_uplift_shows_between_the_arms(tmp_path):
    generate(4000, 3, tmp_path / "demo")
    con = connect(tmp_path / "demo")
    arms = con.execute("""
        select a.campaign_id, a.arm, e.true_uplift, e.base_uplift,
            exists (
                from sound as s where s.person_id = a.person_id and s.status = 'completed'
                and s.ordered_at::date >= m.sent_at::date
                and s.ordered_at::date < m.sent_at::date + 14) as has_bought
        from arms as a
        join campaigns as m using (campaign_id) join campaign_effects as e using (campaign_id)
        """).df()
    rates = arms.groupby(["campaign_id", "arm"])["has_bought"].mean().unstack()
    truth = con.execute("from campaign_effects").df().set_index("campaign_id")
    is_planted = truth["base_uplift"] > 0
    assert is_planted.sum() == 21 and (truth.loc[~is_planted, "extra_orders"] == 0).all()
    weight = truth["treated"] * truth["control"] / (truth["treated"] + truth["control"])
    found = np.average(
        (rates["treatment"] - rates["control"])[is_planted], weights=weight[is_planted]
    )
    planted = np.average(truth.loc[is_planted, "true_uplift"], weights=weight[is_planted])
    rate = arms["has_bought"].mean()
    error = np.sqrt(rate * (1 - rate) / weight[is_planted].sum())
    assert found > 2 * error
    assert abs(found - planted) < 3 * error
    shares = (
        arms.assign(treated=arms["arm"] == "treatment").groupby("campaign_id")["treated"].mean()
    )
    assert shares.between(0.74, 0.95).all()


@pytest.fixture(scope="module")
def simulated() -> dict:
    """A larger crowd without the tables, for what needs numbers."""
    calendar = Calendar.ending(END_ON)
    people = make_people(20_000, calendar, np.random.default_rng(5))
    purchases = simulate_purchases(
        rate=people.rate,
        dropout=people.dropout,
        window=people.window,
        joined_day=people.joined_day,
        buys_on_joining=people.buys_on_joining,
        calendar=calendar,
        rng=np.random.default_rng(6),
    )
    return {"calendar": calendar, "people": people, "purchases": purchases}


def test_purchase_days_match_the_rate(simulated):
    calendar, people, purchases = (simulated[k] for k in ("calendar", "people", "purchases"))
    died = purchases.died_day
    days = np.arange(calendar.days)
    expected = np.zeros(len(people))
    for begin in range(0, len(people), 2000):
        rows = slice(begin, begin + 2000)
        weights = calendar.weights[people.window[rows]]
        hazard = -np.expm1(-people.rate[rows, None] * weights)
        is_open = days[None, :] > people.joined_day[rows, None]
        is_open &= days[None, :] <= died[rows, None]
        expected[rows] = (hazard * is_open).sum(axis=1)
    is_joining = purchases.day == people.joined_day[purchases.person]
    found = np.bincount(purchases.person[~is_joining], minlength=len(people))
    for kind in range(6):
        rows = people.kind == kind
        difference = found[rows].sum() - expected[rows].sum()
        assert abs(difference) < 4 * np.sqrt(expected[rows].sum()), kind


def test_dropout_follows_each_purchase_day(simulated):
    people, purchases = simulated["people"], simulated["purchases"]
    is_last = purchases.day == purchases.died_day[purchases.person]
    chance = people.dropout[purchases.person]
    error = np.sqrt((chance * (1 - chance)).sum())
    assert abs(is_last.sum() - chance.sum()) < 4 * error
    assert (purchases.day <= purchases.died_day[purchases.person]).all()
    assert len(np.unique(purchases.person * 2000 + purchases.day)) == len(purchases.day)


def truth_frames(simulated: dict) -> tuple[pd.DataFrame, pd.DataFrame]:
    calendar, people, purchases = (simulated[k] for k in ("calendar", "people", "purchases"))
    start = pd.Timestamp(calendar.start)
    is_alive = purchases.died_day == NEVER
    died = pd.Series(start + pd.to_timedelta(np.where(is_alive, 0, purchases.died_day), unit="D"))
    frame = pd.DataFrame(
        {
            "is_prospect": people.is_prospect,
            "active_months": np.array(WINDOWS, dtype=object)[people.window],
            "joined_on": start + pd.to_timedelta(people.joined_day, unit="D"),
            "died_on": died.mask(is_alive),
            "purchase_rate": people.rate,
        }
    )
    return frame, pd.DataFrame({"month": range(1, 13), "factor": SEASON})


@pytest.mark.parametrize("on", [date(2024, 10, 1), date(2025, 12, 15), date(2026, 4, 2)])
@pytest.mark.parametrize("horizon", [14, 90])
def test_oracle_is_calibrated(simulated, on, horizon):
    purchases, calendar = simulated["purchases"], simulated["calendar"]
    people, seasonality = truth_frames(simulated)
    probability = oracle_purchase_probability(people, seasonality, on=on, horizon_days=horizon)
    day = (on - calendar.start).days
    is_inside = (purchases.day >= day) & (purchases.day < day + horizon)
    bought = np.zeros(len(people), dtype=bool)
    bought[purchases.person[is_inside]] = True
    known = probability.notna()
    assert (people.loc[~known, "joined_on"] >= pd.Timestamp(on)).all()
    assert not bought[known & (probability == 0)].any()
    frame = pd.DataFrame({"p": probability[known], "y": bought[known]})
    frame = frame[frame["p"] > 0]
    for _, group in frame.groupby(pd.qcut(frame["p"], 8), observed=True):
        error = np.sqrt((group["p"] * (1 - group["p"])).sum())
        assert abs(group["y"].sum() - group["p"].sum()) < 4 * error


def test_oracle_works_on_the_written_truth(demo, con):
    folder, _ = demo
    people = pd.read_parquet(folder / "_truth" / "people.parquet")
    seasonality = pd.read_parquet(folder / "_truth" / "seasonality.parquet")
    on = END_ON - timedelta(days=89)
    probability = oracle_purchase_probability(people, seasonality, on=on, horizon_days=90)
    buyers = con.execute(f"""
        select distinct person_id from sound anti join campaign_orders using (order_id)
        where status = 'completed' and ordered_at >= date '{on}'""").df()
    bought = people["person_id"].isin(buyers["person_id"])
    known = probability.notna()
    expected = probability[known].sum()
    error = np.sqrt((probability[known] * (1 - probability[known])).sum())
    assert abs(bought[known].sum() - expected) < 4 * error
    assert (probability[people["is_prospect"]] == 0).all()


def test_oracle_arithmetic_by_hand():
    seasonality = pd.DataFrame({"month": range(1, 13), "factor": [1.0] * 6 + [2.0] + [1.0] * 5})
    people = pd.DataFrame(
        {
            "is_prospect": [False, False, False, False, True],
            "active_months": [None, "7", None, None, None],
            "joined_on": pd.to_datetime(
                ["2024-01-01", "2024-01-01", "2024-01-01", "2025-06-30", "2024-01-01"]
            ),
            "died_on": pd.to_datetime([None, "2025-06-30", "2025-06-29", None, None]),
            "purchase_rate": [0.01, 0.02, 0.5, 0.5, 0.0],
        }
    )
    # The last day of June and the first of July: 1 + 2 season days, or 2 for July only.
    found = oracle_purchase_probability(people, seasonality, on=date(2025, 6, 30), horizon_days=2)
    assert found[0] == pytest.approx(1 - np.exp(-0.03))
    assert found[1] == pytest.approx(1 - np.exp(-0.04))
    assert found[2] == 0 and np.isnan(found[3]) and found[4] == 0
    with pytest.raises(ValueError, match="horizon_days"):
        oracle_purchase_probability(people, seasonality, on=END_ON, horizon_days=0)
    with pytest.raises(ValueError, match="months"):
        oracle_purchase_probability(people, seasonality[:11], on=END_ON, horizon_days=1)


def test_types_can_be_found_in_behaviour(con):
    shares = ", ".join(
        f"coalesce(sum(quantity * unit_price) filter (category = '{name}'), 0)"
        f" / sum(quantity * unit_price) as {name}"
        for name in CATEGORIES
    )
    features = con.execute(f"""
        with bought as (
            select person_id, ln(count(distinct ordered_at::date)) as frequency,
                avg((discount_amount > 0)::int) as discounts, avg((channel = 'web')::int) as web
            from sound where status = 'completed'
            group by person_id having count(distinct ordered_at::date) >= 3),
        baskets as (
            select person_id,
                ln(sum(quantity * unit_price) / count(distinct order_id)) as basket, {shares}
            from sound join order_lines using (order_id) join products using (product_id)
            where status = 'completed' and unit_price > 0 group by person_id),
        returned as (
            select person_id, count(*) filter (status = 'returned') / count(*) as returns
            from sound group by person_id)
        select type, bought.* exclude (person_id), baskets.* exclude (person_id), returns
        from bought join baskets using (person_id) join returned using (person_id)
        join people using (person_id) order by person_id""").df()
    scaled = StandardScaler().fit_transform(features.drop(columns="type"))
    found = KMeans(6, n_init=10, random_state=0).fit_predict(scaled)
    assert adjusted_rand_score(features["type"], found) > 0.85
