"""A delivery brings a forgotten person back, and rows of long ago: one build keeps both out."""

import shutil

import duckdb
import pytest
from _private_copy import SECRET, VAULT_KEY, ask, person_with, places_in, private_copy
from conftest import run_dbt
from test_privacy_erasure import AT

from python_ext.privacy import find_people, forget, returned, search, search_uncompressed

SHORT = 12
OTHER_NUMBER, OTHER_PHONE = "another-number", "07 98 76 54 32"


@pytest.fixture(scope="module")
def original(demo_build, tmp_path_factory):
    return private_copy(demo_build, tmp_path_factory.mktemp("delivered"))


@pytest.fixture(scope="module")
def person(original):
    key = person_with(original, "guests > 0 and numbers > 0 and logins > 0 and buyers > 0")
    return find_people(original, customer_keys=(key,))


@pytest.fixture(scope="module")
def rebuilt(original, person, demo_data, tmp_path_factory):
    """Forgotten, delivered again in full, and built with a short retention of web events."""
    folder = tmp_path_factory.mktemp("again") / "copy"
    shutil.copytree(original.published.parent, folder)
    places = places_in(folder)
    forget(places, person, secret=SECRET, at=AT, vault_key=VAULT_KEY)
    shutil.rmtree(places.raw_folder)
    shutil.copytree(demo_data, places.raw_folder)
    _deliver_under_another_number(original, person, places.raw_folder / "crm/customers.parquet")
    with duckdb.connect(str(places.database)) as connection:
        connection.execute(
            f"update reference.retention set retention_months = {SHORT} where source_name = 'web'"
        )
    build = run_dbt(
        "build",
        *("--select", "+quarantined_records", "+load_reconciliation", "+customers"),
        *("--exclude-resource-type", "seed"),
        *("--exclude-resource-type", "unit_test"),
        folder=folder,
        raw_data=places.raw_folder,
        tested=True,
    )
    assert build.returncode == 0, build.output[-3000:]
    return places


def _deliver_under_another_number(original, person, file):
    """One more record, that only name and birth date tell to be the person's."""
    numbers = ", ".join(f"'{number}'" for number in person.customer_ids)
    first, last, born = ask(
        original.database,
        "select first_name_raw, last_name_raw, strftime(birth_on, '%d/%m/%Y') "
        f"from staging.stg_crm__customers where customer_id in ({numbers}) "
        "and first_name is not null and last_name is not null and birth_on is not null limit 1",
    )[0]
    with duckdb.connect() as connection:
        connection.execute(
            f"create table delivered as from '{file}'; insert into delivered by name select "
            "? as customer_id, ? as phone, ? as first_name, ? as last_name, ? as birth_date",
            [OTHER_NUMBER, OTHER_PHONE, first, last, born],
        )
        connection.execute(f"copy delivered to '{file}' (format parquet)")


def set_aside(places, reason):
    return dict(
        ask(
            places.database,
            "select source_name || '.' || table_name, count(*) from marts.quarantined_records "
            f"where reason_code = '{reason}' group by all",
        )
    )


def test_the_person_does_not_come_back(rebuilt, person):
    found = search(rebuilt, person)
    assert {hit.file.split("/demo/")[0] for hit in found.hits if "/demo/" in hit.file}
    assert [hit for hit in found.hits if hit.file.endswith("build.duckdb") and hit.table] == []
    assert ask(
        rebuilt.database,
        "select count(*) from marts.customers where customer_key = "
        f"'{next(iter(person.customer_keys))}'",
    ) == [(0,)]


def test_not_even_a_raw_row_of_theirs_is_kept(rebuilt, person):
    assert search_uncompressed(rebuilt.database, person) == 0
    assert ask(
        rebuilt.database,
        "select count(*) from staging.stg_crm__customers where rejection_reason = 'suppressed' "
        "and (raw_row is not null or email_raw is not null or last_name_raw is not null "
        "or phone_raw is not null or customer_id is not null or quality_flags is not null)",
    ) == [(0,)]


def test_name_and_birth_date_alone_keep_the_phone_out_as_well(rebuilt):
    for table in ("stg_crm__phone_texts", "stg_crm__phones"):
        query = f"select count(*) from staging.{table} where phone_text = '{OTHER_PHONE}'"
        assert ask(rebuilt.database, query) == [(0,)], table


def test_what_was_kept_out_is_counted_and_balances(rebuilt, person):
    counted = set_aside(rebuilt, "suppressed")
    numbers = ", ".join(f"'{number}'" for number in (*person.customer_ids, OTHER_NUMBER))
    visitors = ", ".join(f"'{visitor}'" for visitor in person.visitors)
    for table in ("crm.customers", "crm.consents", "email.events", "web.events"):
        file = rebuilt.raw_folder / f"{table.replace('.', '/')}.parquet"
        delivered = duckdb.sql(
            f"select count(*) from '{file}' where customer_id in ({numbers})"
            + (f" or visitor_id in ({visitors})" if table == "web.events" else "")
        ).fetchone()[0]
        assert counted.get(table, 0) == delivered, table
    assert counted["crm.customers"] > 0 and "shop.orders" not in counted
    assert ask(
        rebuilt.database,
        "select count(*) from marts.load_reconciliation "
        "where rows_in <> rows_kept + rows_set_aside",
    ) == [(0,)]
    assert len(ask(rebuilt.database, "from marts.load_reconciliation")) == 13


def test_their_orders_keep_the_revenue_and_lose_the_buyer(original, rebuilt):
    revenue = "select sum(net_revenue), count(*) from intermediate.int_orders_netted"
    unassigned = revenue + " where customer_key is null"
    assert ask(original.database, revenue) == ask(rebuilt.database, revenue)
    assert ask(rebuilt.database, unassigned)[0][1] > ask(original.database, unassigned)[0][1]


def test_everybody_else_is_still_there(original, rebuilt, person):
    keys = "select customer_key from marts.customers"
    before, after = set(ask(original.database, keys)), set(ask(rebuilt.database, keys))
    assert {key for (key,) in before - after} == set(person.customer_keys)
    assert after <= before


def test_rows_past_their_retention_are_set_aside_without_their_raw_row(original, rebuilt):
    cut = set_aside(rebuilt, "past_retention")
    assert set(cut) == {"web.events"} and cut["web.events"] > 100
    assert set_aside(original, "past_retention") == {}
    oldest, limit, kept_raw = ask(
        rebuilt.database,
        f"""
        select min(event_at) filter (where rejection_reason is null),
            max(event_at) filter (where rejection_reason is null) - interval {SHORT} month,
            count(raw_row) filter (where rejection_reason = 'past_retention')
        from staging.stg_web__events
        """,
    )[0]
    assert oldest >= limit and kept_raw == 0


def test_who_came_back_is_removed_from_the_files_as_well(rebuilt, person):
    """Last, for it changes the files: the build kept the person out, the delivery did not."""
    back = returned(rebuilt, secrets=(SECRET,))
    assert back.customer_ids == person.customer_ids and back.visitors == person.visitors
    rows = duckdb.sql(f"select count(*) from '{rebuilt.raw_folder}/shop/orders.parquet'").fetchone()
    forget(rebuilt, back, secret=SECRET, at=AT)
    assert search(rebuilt, person).hits == ()
    assert not returned(rebuilt, secrets=(SECRET,))
    assert (
        rows
        == duckdb.sql(f"select count(*) from '{rebuilt.raw_folder}/shop/orders.parquet'").fetchone()
    )
