"""What is set aside comes back when its source is mended, and every row is accounted for."""

import json
import re

import duckdb
import pandas as pd
import pytest
from _datasets import declared, row_query, write_table
from conftest import PROJECT, run_dbt

from python_ext.settings import REQUIRED_TABLES, read_yaml

GOOD = {
    "crm.customers": {
        "customer_id": "'C' || n",
        "email": "'c' || n || '@mail.example'",
        "country": "'France'",
        "phone": "'019900000' || n",
        "birth_date": "'1990-12-31'",
        "created_at": "'2024-01-01 10:00:00'",
        "updated_at": "'05/01/2024'",
    },
    "crm.consents": {
        "consent_event_id": "'K' || n",
        "customer_id": "'C' || n",
        "purpose": "'profiling'",
        "status": "'granted'",
    },
    "crm.support_tickets": {"ticket_id": "'T' || n", "customer_id": "'C' || n"},
    "crm.erasure_requests": {"request_id": "'R' || n", "customer_id": "'C' || n"},
    "shop.orders": {
        "order_id": "'O' || n",
        "customer_id": "'C' || n",
        "status": "'completed'",
        "channel": "'web'",
        "currency": "'EUR'",
    },
    "shop.order_lines": {"order_id": "'O' || n", "product_id": "'P' || n"},
    "shop.products": {"product_id": "'P' || n"},
    "web.events": {"event_id": "'E' || n", "visitor_id": "'V' || n", "customer_id": "'C' || n"},
    "email.campaigns": {"campaign_id": "'M' || n", "treatment_share": "0.5"},
    "email.events": {
        "event_id": "'E' || n",
        "campaign_id": "'M' || n",
        "customer_id": "'C' || n",
        "event_name": "'open'",
    },
    "survey.responses": {
        "response_id": "'S' || n",
        "customer_id": "'C' || n",
        "question": "'value_price'",
    },
    "social.mentions": {"mention_id": "'W' || n", "sentiment": "0.5"},
    "external.area_statistics": {"country": "'FR'", "postcode_prefix": "'0' || n"},
}
# What makes every row of a table unusable; the orders must keep one, or nothing is built.
UNUSABLE = {
    **{table: {next(iter(declared()[table])): "null"} for table in GOOD},
    "shop.orders": {"order_id": "'O' || n", "ordered_at": "if(n = 0, '2024-03-01', '2999-01-01')"},
}


def write_good(folder):
    for table, columns in GOOD.items():
        write_table(folder, table, row_query(table, **columns))


def build(folder, raw_data, **variables):
    done = run_dbt(
        "build",
        "--select",
        "+int_source_rows_counted",
        "+int_records_flagged",
        folder=folder,
        raw_data=raw_data,
        variables={"demo_secret_allowed": True, **variables},
    )
    assert done.returncode == 0, done.output[-4000:]
    return done


def reconciled(done) -> dict[str, tuple[int, int, int]]:
    """Rows in, kept and set aside by table; they balance."""
    rows = done.rows(
        "select source_name || '.' || table_name, rows_in, rows_kept, rows_set_aside "
        "from intermediate.int_source_rows_counted"
    )
    assert len(rows) == len(GOOD)
    for table, rows_in, kept, set_aside in rows:
        assert rows_in == kept + set_aside, table
    return {table: counts for table, *counts in rows}


def test_a_mended_source_releases_its_rows(tmp_path):
    raw = tmp_path / "raw"
    write_good(raw)
    broken = {**GOOD["shop.orders"], "ordered_at": "if(n = 1, 'le 3 mars', '03/03/2024 18:30')"}
    write_table(raw, "shop.orders", row_query("shop.orders", rows=10, **broken))
    write_table(
        raw, "shop.order_lines", row_query("shop.order_lines", rows=10, **GOOD["shop.order_lines"])
    )

    first = build(tmp_path / "build", raw)
    assert reconciled(first)["shop.orders"] == [10, 9, 1]
    assert reconciled(first)["shop.order_lines"] == [10, 9, 1]
    kept = first.rows(
        "select table_name, source_file, record_id, reason_code, raw_row "
        "from intermediate.int_records_quarantined order by table_name desc"
    )
    assert [row[:4] for row in kept] == [
        ("orders", "shop/orders.parquet", "O1", "unreadable_date"),
        ("order_lines", "shop/order_lines.parquet", "O1-1", "order_set_aside"),
    ]
    assert json.loads(kept[0][4])["ordered_at"] == "le 3 mars"
    assert set(json.loads(kept[0][4])) == set(declared()["shop.orders"])

    mended = {**GOOD["shop.orders"], "ordered_at": "'03/03/2024 18:30'"}
    write_table(raw, "shop.orders", row_query("shop.orders", rows=10, **mended))
    second = build(tmp_path / "build", raw)
    assert reconciled(second)["shop.orders"] == [10, 10, 0]
    assert reconciled(second)["shop.order_lines"] == [10, 10, 0]
    assert second.rows("select count(*) from intermediate.int_records_quarantined") == [(0,)]


def test_clean_rows_are_neither_set_aside_nor_flagged(tmp_path):
    raw = tmp_path / "raw"
    write_good(raw)
    done = build(tmp_path / "build", raw)
    assert all(counts == [3, 3, 0] for counts in reconciled(done).values())
    assert done.rows("from intermediate.int_records_flagged") == []


def test_empty_tables_balance(tmp_path):
    raw = tmp_path / "raw"
    for table, columns in GOOD.items():
        rows = 3 if table in REQUIRED_TABLES else 0
        write_table(raw, table, row_query(table, rows=rows, **columns))
    counts = reconciled(build(tmp_path / "build", raw))
    assert all(counts.pop(table) == [3, 3, 0] for table in REQUIRED_TABLES)
    assert all(figures == [0, 0, 0] for figures in counts.values())


def test_tables_without_a_usable_row_balance(tmp_path):
    raw = tmp_path / "raw"
    for table, columns in GOOD.items():
        write_table(raw, table, row_query(table, **{**columns, **UNUSABLE[table]}))
    done = build(tmp_path / "build", raw)
    counts = reconciled(done)
    assert counts.pop("shop.orders") == [3, 1, 2]
    assert all(figures == [3, 0, 3] for figures in counts.values())
    missing = done.rows(
        "select count(*) from intermediate.int_records_quarantined where raw_row is null"
    )
    assert missing == [(0,)]


def test_switched_off_sources_balance(tmp_path):
    raw = tmp_path / "raw"
    write_good(raw)
    off = {name: False for name in ("crm", "web", "email", "survey", "social", "external")}
    counts = reconciled(build(tmp_path / "build", raw, sources=off))
    on = {table: figures for table, figures in counts.items() if table.startswith("shop.")}
    assert all(figures == [3, 3, 0] for figures in on.values())
    assert all(figures == [0, 0, 0] for table, figures in counts.items() if table not in on)


def test_text_files_read_like_typed_ones(tmp_path):
    """CSV gives text where Parquet gives types; staging makes the same of both."""
    for raw_format in ("parquet", "csv"):
        for table, columns in GOOD.items():
            write_table(
                tmp_path / raw_format, table, row_query(table, **columns), raw_format=raw_format
            )
    tables = [
        row[0]
        for row in build(tmp_path / "typed", tmp_path / "parquet").rows(
            "select table_name from duckdb_tables() where schema_name = 'staging'"
        )
    ]
    build(tmp_path / "text", tmp_path / "csv")
    with duckdb.connect() as connection:
        connection.execute(f"attach '{tmp_path}/typed/build.duckdb' as typed (read_only)")
        connection.execute(f"attach '{tmp_path}/text/build.duckdb' as text (read_only)")
        for table in tables:
            clean = (
                # The file is called otherwise, of course.
                r"select columns(c -> c not like '%\_raw' escape '\' and c <> 'source_file') "
                f"from {{}}.staging.{table}"
            )
            differences = connection.sql(
                f"({clean.format('typed')}) except all ({clean.format('text')})"
            ).fetchall()
            assert differences == [], table


def test_columns_hidden_in_the_mart_are_those_tagged_as_personal(demo_build):
    """The list that masks raw rows is the one of the sources' yml."""
    manifest = json.loads((demo_build.target / "manifest.json").read_text())
    for node in manifest["sources"].values():
        tagged = {
            name
            for name, column in node["columns"].items()
            if (column.get("config", {}).get("meta") or column["meta"]).get("pii")
        }
        rows = demo_build.rows(
            "select raw.raw_row, mart.masked_row from intermediate.int_records_quarantined as raw "
            "join marts.quarantined_records as mart using (source_name, table_name, reason_code) "
            f"where source_name = '{node['source_name']}' and table_name = '{node['name']}' "
            "limit 50"
        )
        for _, masked in rows:
            hidden = {name for name, value in json.loads(masked).items() if value == "***"}
            shown = {name for name, value in json.loads(masked).items() if value is not None}
            assert hidden == tagged & shown, f"{node['source_name']}.{node['name']}"


def test_the_list_of_masked_columns_is_complete():
    """Also for tables of which the demo quarantines nothing."""
    masked = {}
    text = (PROJECT / "macros" / "sources.sql").read_text()
    body = text[text.index("{% macro contract_tables") : text.index("{#- Where the rows of")]
    for entry in body.split("'table': ")[1:]:
        table = entry.split("'")[1]
        listed = entry.split("'personal': [")[1].split("]")[0]
        masked[table] = {part.strip(" '\n") for part in listed.split(",") if part.strip(" '\n")}
    tagged = {}
    for file in (PROJECT / "models" / "staging").rglob("_*__sources.yml"):
        for source in read_yaml(file)["sources"]:
            for table in source["tables"]:
                tagged[f"{source['name']}.{table['name']}"] = {
                    column["name"]
                    for column in table["columns"]
                    if (column.get("config") or {}).get("meta", {}).get("pii")
                }
    assert masked == tagged


def test_every_reason_of_staging_is_a_rule_of_its_severity():
    """What the models write and what the seed says are the same set."""
    rules = pd.read_csv(PROJECT / "seeds" / "reference" / "quality_rules.csv")
    for (source, table), rows in rules.groupby(["source_name", "table_name"]):
        model = PROJECT / "models" / "staging" / source / f"stg_{source}__{table}.sql"
        sql = model.read_text()
        written = set(re.findall(r"then '([a-z_]+)'", sql))
        # The macro guarded_rows adds two: of forgotten people (a sale goes on without its person),
        # and of rows kept for longer than they may be.
        if "guarded_rows" in sql:
            written |= {"past_retention"}
        if "forgotten=" in sql and "is_kept=true" not in sql:
            written |= {"suppressed"}
        assert written == set(rows.loc[rows["severity"] == "blocking", "reason_code"]), model.name
        flags = sql[sql.index("list_flags({") : sql.index("}) }} as quality_flags")]
        warned = set(rows.loc[rows["severity"] == "warning", "reason_code"])
        # These look beyond the row: int_records_flagged, int_order_lines_netted, the outliers.
        warned -= {"unknown_customer", "return_without_sale"}
        warned = {code for code in warned if not code.startswith("extreme_")}
        assert set(re.findall(r"'([a-z_]+)':\s", flags)) == warned, model.name


@pytest.mark.parametrize("column", ["severity", "reason", "what_to_do"])
def test_every_rule_says_everything(column):
    rules = pd.read_csv(PROJECT / "seeds" / "reference" / "quality_rules.csv")
    assert rules[column].str.len().min() > 5
