"""All data about one person: as JSON for a machine, as one page for the person."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from python_ext.errors import SegmentationError
from python_ext.privacy._files import columns_of, name, table_sql, text
from python_ext.privacy._page import render_page
from python_ext.privacy._people import People, bring_values, cell_conditions
from python_ext.privacy._places import Places
from python_ext.privacy._retention import SEED, read_retention
from python_ext.settings import declared_tables


@dataclass(frozen=True)
class Reported:
    """Files of a report, with how much stands in them."""

    json_file: Path
    page: Path
    tables: int
    rows: int


def subject_report(places: Places, people: People, out: Path) -> Reported:
    """Write everything that is kept about one person.

    Parameters
    ----------
    people
        One person, see ``find_people``.
    out
        Folder for ``subject.json`` and ``subject.html``, readable by its owner only.

    Raises
    ------
    SegmentationError
        Nobody, or more than one customer; nothing is kept about them.
    """
    if len(people.customer_keys) > 1:
        raise SegmentationError("The report is about one person; several were named.", exit_code=2)
    report = collect(places, people)
    tables = [*report["sources"], *report["results"]]
    rows = sum(len(table["rows"]) for table in tables)
    if not rows:
        raise SegmentationError("Nothing is kept about this person.")
    out.mkdir(parents=True, exist_ok=True)
    json_file, page = out / "subject.json", out / "subject.html"
    for file, content in (
        (json_file, json.dumps(report, indent=2, ensure_ascii=False, default=str) + "\n"),
        (page, render_page(report)),
    ):
        file.touch(mode=0o600)
        file.write_text(content, encoding="utf-8")
    return Reported(json_file, page, len(tables), rows)


def collect(places: Places, people: People) -> dict[str, Any]:
    """The content of a report.

    Returns
    -------
    dict
        ``dataset``, ``person`` (identifiers), ``sources`` (what came in: table, file, purpose,
        legal basis, retention, rows) and ``results`` (what was made of it: table, meaning of
        table and columns, rows).
    """
    periods = {
        f"{row['source_name']}.{row['table_name']}": row
        for row in read_retention(places.project_dir / SEED)
    }
    with duckdb.connect() as connection:
        bring_values(connection, people)
        sources = list(_sources(connection, places, people, periods))
        results = list(_results(connection, places, people))
        as_of = connection.execute(
            "select max(as_of_date)::varchar from warehouse.intermediate.int_as_of_date"
        ).fetchone()[0]
    return {
        "dataset": Path(places.raw_data).name,
        "as_of_date": as_of,
        "person": {
            "customer_keys": sorted(people.customer_keys),
            "customer_numbers": sorted(people.customer_ids),
            "emails": sorted(people.emails),
            "phones": sorted(people.phones),
            "social_handles": sorted(people.handles),
            "cookies": sorted(people.visitors),
            "also_of_other_customers": people.shared,
        },
        "sources": sources,
        "results": results,
    }


def _sources(
    connection: duckdb.DuckDBPyConnection,
    places: Places,
    people: People,
    periods: dict[str, dict[str, str]],
):
    """What came in: the person's rows of every raw file, as they were delivered."""
    orders: list[str] = []
    for table in sorted(
        declared_tables(places.project_dir),
        key=lambda t: (t != "crm.customers", t != "shop.orders"),
    ):
        if places.raw_folder is None:
            raise SegmentationError(
                f"{places.raw_data} is not a local folder: copy {table} and the other tables here "
                "first, or export the person's rows where they are kept."
            )
        files = places.raw_files(table)
        if not files:
            continue
        relation = table_sql(*files)
        path = files[0] if len(files) == 1 else files[0].parent
        shown = f"{places.raw_data}/{path.relative_to(places.raw_folder)}"
        columns = columns_of(connection, relation)
        if table == "shop.order_lines" and orders:
            marks = ", ".join("?" for _ in orders)
            rows = _rows(
                connection,
                f"select * from {relation} where cast(order_id as varchar) in ({marks})",
                orders,
            )
        else:
            conditions = cell_conditions(columns, people)
            if not conditions:
                continue
            rows = _rows(
                connection,
                f"select * from {relation} where {' or '.join(conditions.values())}",
            )
        if table == "shop.orders":
            orders = [str(row["order_id"]) for row in rows]
        if rows:
            period = periods.get(table, {})
            yield {
                "table": table,
                "file": shown,
                "purpose": period.get("purpose"),
                "legal_basis": period.get("legal_basis"),
                "retention_months": int(period["retention_months"])
                if period.get("retention_months")
                else None,
                "rows": rows,
            }


def _results(connection: duckdb.DuckDBPyConnection, places: Places, people: People):
    """What was made of it: every mart with a row about the person, and what its columns mean."""
    connection.execute(f"attach {text(places.database)} as warehouse (read_only)")
    marts = connection.execute(
        """
        select tables.table_name, tables.comment from duckdb_tables() as tables
        where tables.database_name = 'warehouse' and tables.schema_name = 'marts'
        order by tables.table_name
        """
    ).fetchall()
    for mart, meaning in marts:
        relation = f"warehouse.marts.{name(mart)}"
        columns = columns_of(connection, relation)
        keys = [column for column, _ in columns if column.endswith("customer_key")]
        if not keys:
            continue
        condition = " or ".join(
            f"{name(key)} in (select value from person_values where kind = 'anywhere')"
            for key in keys
        )
        rows = _rows(connection, f"select * from {relation} where {condition} order by all")
        if rows:
            comments = dict(
                connection.execute(
                    "select column_name, comment from duckdb_columns() where database_name = "
                    "'warehouse' and schema_name = 'marts' and table_name = ?",
                    [mart],
                ).fetchall()
            )
            yield {
                "table": mart,
                "meaning": meaning,
                "columns": {column: comments.get(column) for column, _ in columns},
                "rows": rows,
            }


def _rows(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: list[str] | None = None
) -> list[dict[str, Any]]:
    result = connection.execute(query, parameters or [])
    names = [column[0] for column in result.description]
    return [
        {
            key: value if value is None or isinstance(value, (bool, int, float)) else str(value)
            for key, value in zip(names, row, strict=True)
        }
        for row in result.fetchall()
    ]
