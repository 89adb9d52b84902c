"""All data about one person, and about nobody else."""

import json
import re
import stat
from html.parser import HTMLParser

import duckdb
import pytest
from _private_copy import ask, person_with, private_copy

from python_ext.errors import SegmentationError
from python_ext.privacy import People, find_people, subject_report
from python_ext.privacy._page import SHOWN_ROWS, render_page


@pytest.fixture(scope="module")
def places(demo_build, tmp_path_factory):
    return private_copy(demo_build, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def person(places):
    key = person_with(places, "guests > 0 and numbers > 0 and logins > 0 and buyers > 0")
    return find_people(places, customer_keys=(key,))


@pytest.fixture(scope="module")
def report(places, person, tmp_path_factory):
    done = subject_report(places, person, tmp_path_factory.mktemp("out"))
    return done, json.loads(done.json_file.read_text()), done.page.read_text()


def test_the_report_holds_every_row_of_every_source(report, places, person):
    rows = {table["table"]: table["rows"] for table in report[1]["sources"]}
    numbers = ", ".join(f"'{number}'" for number in person.customer_ids)
    emails = ", ".join(f"'{email}'" for email in person.emails)
    for table, condition in {
        "crm.customers": f"customer_id in ({numbers})",
        "crm.consents": f"customer_id in ({numbers})",
        "shop.orders": f"customer_id in ({numbers}) or lower(trim(guest_email)) in ({emails})",
        "email.events": f"customer_id in ({numbers})",
    }.items():
        file = places.raw_folder / f"{table.replace('.', '/')}.parquet"
        expected = duckdb.sql(f"select count(*) from '{file}' where {condition}").fetchone()[0]
        assert len(rows.get(table, [])) == expected, table
    orders = {row["order_id"] for row in rows["shop.orders"]}
    assert {row["order_id"] for row in rows["shop.order_lines"]} <= orders and orders


def test_the_report_holds_every_mart_about_the_person(report, places, person):
    key = next(iter(person.customer_keys))
    expected = {
        table
        for (table,) in ask(
            places.database,
            "select table_name from duckdb_columns() where schema_name = 'marts' "
            "and column_name = 'customer_key'",
        )
        if ask(places.database, f"select count(*) from marts.{table} where customer_key = '{key}'")
        != [(0,)]
    }
    assert {table["table"] for table in report[1]["results"]} == expected
    assert {"customers", "customer_scores", "customer_segments"} <= expected
    for table in report[1]["results"]:
        assert table["meaning"] and all(table["columns"].values()), table["table"]
        assert {row["customer_key"] for row in table["rows"]} == {key}


def test_each_source_says_what_for_on_what_basis_and_how_long(report):
    for table in report[1]["sources"]:
        assert table["purpose"] and table["legal_basis"] and table["file"]
    kept = {table["table"]: table["retention_months"] for table in report[1]["sources"]}
    assert kept["web.events"] == 37 and kept["crm.customers"] is None


def test_nobody_else_is_in_it(report, places, person):
    others = ask(
        places.database,
        "select email, customer_id from staging.stg_crm__customers where email is not null",
    )
    text = report[0].json_file.read_text()
    for email, number in others:
        if number not in person.customer_ids and email not in person.emails:
            assert not re.search(rf"(?<![\w.+-]){re.escape(email)}", text)
            assert f'"{number}"' not in text


class Reader(HTMLParser):
    """Headings, text, and everything a page would load."""

    def __init__(self):
        super().__init__()
        self.loads, self.text, self.headings, self.open = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.loads += [value for name, value in attrs if name in ("src", "href")]
        assert tag not in ("script", "link", "img", "iframe")

    def handle_endtag(self, tag):
        if tag not in ("meta", "br"):
            while self.open.pop() != tag:
                pass

    def handle_data(self, data):
        self.text.append(data)
        if {"h2", "h3"} & set(self.open):
            self.headings.append(data)


def test_the_page_is_whole_in_itself_and_in_two_languages(report, person):
    reader = Reader()
    reader.feed(report[2])
    assert reader.loads == [] and "url(" not in report[2] and "@import" not in report[2]
    for heading in ("Votre fiche client", "Your customer record", "Vos droits", "Your rights"):
        assert heading in reader.headings
    text = " ".join(reader.text)
    assert all(email in text for email in person.emails)
    assert "Base légale / Legal basis:" in text and "37 mois / months" in text


def test_only_its_owner_reads_the_report(report):
    for file in (report[0].json_file, report[0].page):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_a_person_typed_cannot_become_markup(report):
    content = json.loads(json.dumps(report[1]))
    content["sources"][0]["rows"][0]["first_name"] = "<script>alert(1)</script>"
    content["person"]["emails"] = ['"><img src=x>']
    page = render_page(content)
    assert "<script>" not in page and "<img" not in page and "&lt;script&gt;" in page


def test_a_long_table_is_cut_on_the_page_and_whole_in_the_file(report):
    content = json.loads(json.dumps(report[1]))
    row = content["sources"][0]["rows"][0]
    content["sources"][0]["rows"] = [{**row, "customer_id": f"N{n}"} for n in range(SHOWN_ROWS + 5)]
    page = render_page(content)
    assert f"N{SHOWN_ROWS - 1}<" in page and f"N{SHOWN_ROWS}<" not in page
    assert f"Les {SHOWN_ROWS} premières lignes" in page


def test_nothing_or_several_people_are_no_report(places, tmp_path):
    nobody = find_people(places, customer_ids=("nobody-at-all-1",))
    with pytest.raises(SegmentationError, match="Nothing is kept"):
        subject_report(places, nobody, tmp_path)
    with pytest.raises(SegmentationError, match="several were named"):
        subject_report(places, People(customer_keys=frozenset({"a", "b"})), tmp_path)
    assert not list(tmp_path.iterdir())
