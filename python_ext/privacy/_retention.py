"""What has been kept longer than the seed ``retention`` allows, and who has long been silent."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from python_ext.errors import SegmentationError
from python_ext.privacy._files import name, next_name, table_sql, text, write_table_beside
from python_ext.privacy._places import Places
from python_ext.settings import vars_of

SEED = Path("seeds/reference/retention.csv")
# As staging reads a moment, but for the zone: an hour or two do not count here.
_DATE = """
    coalesce(
        try_cast({0} as timestamp),
        try_cast(trim(cast({0} as varchar)) as timestamp),
        try_strptime(trim(cast({0} as varchar)), [{1}])
    )
"""


@dataclass(frozen=True)
class Kept:
    """One table of the seed.

    Attributes
    ----------
    table
        Source and table.
    months
        How long a row is kept; None for as long as the relation lasts.
    oldest, limit
        The oldest row, and the day before which rows are past it.
    rows, past
        Rows of the file, and how many are past it.
    """

    table: str
    months: int | None
    oldest: date | None
    limit: date | None
    rows: int
    past: int


def read_retention(file: Path) -> list[dict[str, str]]:
    """The rows of the seed.

    Raises
    ------
    SegmentationError
        The seed is missing or months are no whole number above zero.
    """
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except OSError as error:
        raise SegmentationError(f"{file} cannot be read: {error}") from error
    for row in rows:
        months = row["retention_months"]
        if months and not (months.isdigit() and int(months) > 0):
            raise SegmentationError(
                f"{file}: retention_months of {row['source_name']}.{row['table_name']} is "
                f"{months}; write whole months above zero, or nothing."
            )
    return rows


def past_retention(
    places: Places, *, as_of: date, apply: bool = False, seed: Path | None = None
) -> list[Kept]:
    """Rows of the raw files that are past their retention.

    As in the build, a table's latest row before the as-of date is the day counted from, so that a
    dataset of the past is not emptied by the calendar. The lines of an order go with their order.

    Parameters
    ----------
    as_of
        Day from which on a date is taken for an error.
    apply
        Remove them from the local files, each written whole and put in place of the old one.
    seed
        The periods; those of the project by default.

    Raises
    ------
    SegmentationError
        ``apply`` where the raw files lie at an address.
    """
    folder = places.raw_folder
    if folder is None:
        raise SegmentationError(
            f"{places.raw_data} is not a local folder: its rows are removed where they are kept. "
            "The build sets them aside in any case, with the reason past_retention."
        )
    settings = vars_of(places.project_dir, places.raw_data)
    # A date before the retailer kept records is an error, which the build sets aside as such.
    earliest = str(settings.get("earliest_plausible_date", "1900-01-01"))
    formats = settings.get("date_formats") or ["%Y-%m-%d"]
    found, written = [], []
    with duckdb.connect() as connection:
        connection.execute("set preserve_insertion_order = true")
        for row in read_retention(seed or places.project_dir / SEED):
            table = f"{row['source_name']}.{row['table_name']}"
            files = places.raw_files(table)
            if not files:
                continue
            months = int(row["retention_months"]) if row["retention_months"] else None
            moment = _moment(row["date_column"], formats) if row["date_column"] else None
            kept, condition = _look(
                connection, files, table, moment, months, (earliest, str(as_of))
            )
            if table == "shop.order_lines" and months:
                ordered = _moment("ordered_at", formats)
                kept, condition = _look_at_lines(connection, places, files, kept, found, ordered)
            found.append(kept)
            if apply and kept.past:
                written += _remove(connection, files, condition)
    for file in written:
        next_name(file).replace(file)
    return found


def _moment(column: str, formats: list[str]) -> str:
    """SQL for what a column says of when a row was."""
    return _DATE.format(name(column), ", ".join(text(each) for each in formats))


def _remove(connection: duckdb.DuckDBPyConnection, files: list[Path], condition: str) -> list[Path]:
    """Write the next state of each file that holds rows past their retention."""
    written = []
    for file in files:
        past, rows = connection.execute(
            f"select count(*) filter (where {condition}), count(*) from {table_sql(file)}"
        ).fetchone()
        if past:
            kept = f"select * from {table_sql(file)} where not coalesce({condition}, false)"
            write_table_beside(connection, file, kept, rows=rows - past)
            written.append(file)
    return written


def _look(
    connection: duckdb.DuckDBPyConnection,
    files: list[Path],
    table: str,
    moment: str | None,
    months: int | None,
    plausible: tuple[str, str],
) -> tuple[Kept, str]:
    """One table, and the SQL for its rows that are past their retention."""
    source = table_sql(*files)
    rows = connection.execute(f"select count(*) from {source}").fetchone()[0]
    if moment is None:
        return Kept(table, months, None, None, rows, 0), "false"
    oldest, latest = connection.execute(
        f"select min(moment)::date, max(moment)::date from (select {moment} as moment "
        f"from {source}) where moment >= $1::date and moment < $2::date",
        list(plausible),
    ).fetchone()
    if months is None or latest is None:
        return Kept(table, months, oldest, None, rows, 0), "false"
    limit = connection.execute(
        f"select ($1::date - interval {months} month)::date", [latest]
    ).fetchone()[0]
    condition = f"({moment} < date '{limit}' and {moment} >= date '{plausible[0]}')"
    past = connection.execute(f"select count(*) from {source} where {condition}").fetchone()[0]
    return Kept(table, months, oldest, limit, rows, past), condition


def _look_at_lines(
    connection: duckdb.DuckDBPyConnection,
    places: Places,
    files: list[Path],
    kept: Kept,
    found: list[Kept],
    ordered: str,
) -> tuple[Kept, str]:
    """The lines of orders that are past their retention."""
    orders = next((each for each in found if each.table == "shop.orders"), None)
    if orders is None or orders.limit is None:
        return kept, "false"
    source = table_sql(*places.raw_files("shop.orders"))
    # Read now: by the time the lines are written, the orders' own new file waits beside the old.
    connection.execute(
        f"create or replace temp table old_orders as select cast(order_id as varchar) as order_id "
        f"from {source} where {ordered} < date '{orders.limit}'"
    )
    condition = "cast(order_id as varchar) in (select order_id from old_orders)"
    past = connection.execute(
        f"select count(*) from {table_sql(*files)} where {condition}"
    ).fetchone()[0]
    return Kept(kept.table, kept.months, None, orders.limit, kept.rows, past), condition


def silent_customers(places: Places, *, months: int) -> tuple[str, ...]:
    """Keys of customers without any contact for so many months before the as-of date."""
    with duckdb.connect() as connection:
        try:
            connection.execute(f"attach {text(places.database)} as warehouse (read_only)")
            rows = connection.execute(
                f"""
                select customer_key
                from warehouse.intermediate.int_engagement_measured,
                    warehouse.intermediate.int_as_of_date
                where cutoff_name = 'score' and greatest(
                    coalesce(last_interaction_on, first_seen_on), first_seen_on
                ) < as_of_date - interval {int(months)} month
                order by customer_key
                """
            ).fetchall()
        except duckdb.Error as error:
            raise SegmentationError(f"{places.database} cannot be read: {error}") from None
    return tuple(row[0] for row in rows)


def as_of_date(places: Places) -> date:
    """The day the last build looked from."""
    with duckdb.connect() as connection:
        try:
            connection.execute(f"attach {text(places.database)} as warehouse (read_only)")
            return connection.execute(
                "select max(as_of_date) from warehouse.intermediate.int_as_of_date"
            ).fetchone()[0]
        except duckdb.Error as error:
            raise SegmentationError(f"{places.database} cannot be read: {error}") from None
