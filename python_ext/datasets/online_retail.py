"""Online Retail: the invoices of a British web shop for gifts (UCI, December 2010 to 2011)."""

import re
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from python_ext.datasets._writing import (
    Progress,
    customer_columns,
    say,
    whole_folder,
    write_description,
    write_table,
)
from python_ext.errors import SegmentationError

NAME = "online_retail"
WHERE = (
    "Get it from the UCI Machine Learning Repository, dataset 352 “Online Retail” "
    "(https://archive.ics.uci.edu/dataset/352/online+retail), and name the file with "
    "--source-file; xlsx, csv and parquet are read."
)

ROWS_PER_MESSAGE = 10_000

SPELLINGS = {
    "invoice_no": ("invoiceno", "invoice"),
    "stock_code": ("stockcode",),
    "description": ("description",),
    "quantity": ("quantity",),
    "invoiced_at": ("invoicedate",),
    "unit_price": ("unitprice", "price"),
    "customer_id": ("customerid",),
    "country": ("country",),
}
"""Columns of the file, in lower case without separators: those of UCI's two editions."""

DATE_FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%m/%d/%Y %H:%M",
    "%m/%d/%y %H:%M",
    "%d/%m/%Y %H:%M",
    "%d-%m-%Y %H:%M",
)

SOURCES = {
    "crm.consents": False,
    "crm.support_tickets": False,
    "crm.erasure_requests": False,
    "shop.products": False,
    "web": False,
    "email": False,
    "survey": False,
    "social": False,
    "external": False,
}

NO_GOODS = [
    "AMAZONFEE", "B", "BANK CHARGES", "C2", "CRUK", "D", "DOT", "M", "POST", "S", "m",
]  # fmt: skip
"""Stock codes of postage, fees, discounts, samples and manual corrections."""

MIN_HISTORY_DAYS = 90
"""The file holds a single year: with the usual 180 days of history only one cutoff could train."""


def import_online_retail(
    out: Path, source_file: Path | None, *, progress: Progress | None = None
) -> None:
    """Write Online Retail in the raw contract, row for row.

    An order is an invoice, at its first time (43 invoices run over two minutes); the line number
    is the row's place within the invoice. Invoices that begin with C are cancellations: their
    status is ``cancelled`` and their lines are negative, as in the file. Rows without a customer
    become orders that belong to nobody. Prices stay as they are, also zero and below. Nothing is
    dropped and nothing deduplicated here; that is the work of the build, which counts it.

    ``order_lines`` carries two columns beyond the contract, ``description`` and ``line_at``: the
    5,268 exact duplicates of the file can be counted only with the text and the time of a row.
    The shop's country list becomes ``crm.customers`` with nothing but the country, the latest one
    where a customer has several (the first in the alphabet on a tie).

    Parameters
    ----------
    out : Path
        Folder to write; an earlier import is replaced.
    source_file : Path or None
        The downloaded file: xlsx, csv or parquet.
    progress : callable, optional
        Told in words what is being done.

    Raises
    ------
    SegmentationError
        The file is missing, of another kind, or lacks a column; ``out`` holds something else.

    Notes
    -----
    Chen, Sain and Guo, "Data mining for the online retail industry", Journal of Database
    Marketing and Customer Strategy Management 19 (2012).
    """
    if source_file is None:
        raise SegmentationError(f"Online Retail is not shipped with any package. {WHERE}")
    if not source_file.is_file():
        raise SegmentationError(f"There is no file {source_file}. {WHERE}")
    with whole_folder(out, dataset=NAME) as folder, duckdb.connect() as connection:
        say(progress, f"Reading {source_file.name}")
        connection.register("source_rows", _typed_rows(source_file, progress))
        connection.execute("create table invoice_rows as select * from source_rows")
        say(progress, "Writing invoices, lines and customers")
        write_table(connection, _ORDERS, folder, "shop.orders")
        write_table(connection, _LINES, folder, "shop.order_lines")
        columns = customer_columns(customer_id="customer_id", country="country")
        write_table(connection, _CUSTOMERS.format(columns=columns), folder, "crm.customers")
        write_description(
            folder,
            name=NAME,
            title="Online Retail: invoices of a British web shop for gifts, 2010-12 to 2011-12",
            currency="GBP",
            sources=SOURCES,
            min_history_days=MIN_HISTORY_DAYS,
            products_that_are_no_goods=NO_GOODS,
        )


def _typed_rows(file: Path, progress: Progress | None) -> pa.Table:
    """The file's rows in their order, columns named and typed alike for every format."""
    readers: dict[str, Callable[[Path], pd.DataFrame]] = {
        ".parquet": pd.read_parquet,
        ".csv": _read_csv,
        ".xlsx": partial(_read_xlsx, progress=progress),
    }
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise SegmentationError(f"{file} is not of a kind that is read here. {WHERE}")
    try:
        frame = _renamed(reader(file), file)
        return pa.table(
            {
                "file_row": pa.array(range(len(frame)), pa.int64()),
                **{
                    column: pa.array(_texts(frame[column]), pa.string())
                    for column in ("invoice_no", "stock_code", "description", "country")
                },
                "customer_id": pa.array(_whole_numbers(frame["customer_id"]), pa.string()),
                "quantity": pa.array(pd.to_numeric(frame["quantity"]), pa.float64()),
                "unit_price": pa.array(pd.to_numeric(frame["unit_price"]), pa.float64()),
                "invoiced_at": pa.array(_timestamps(frame["invoiced_at"]), pa.timestamp("us")),
            }
        )
    except (ValueError, TypeError, OSError, KeyError, zipfile.BadZipFile, pa.ArrowException) as e:
        raise SegmentationError(f"{file} cannot be read as Online Retail: {e}. {WHERE}") from e


def _read_csv(file: Path) -> pd.DataFrame:
    """Every cell as text; copies of the file circulate in UTF-8 and in Latin-1."""
    for encoding in ("utf-8-sig", "latin-1"):
        try:
            return pd.read_csv(
                file, dtype=str, encoding=encoding, keep_default_na=False, na_values=[""]
            )
        except UnicodeDecodeError:
            continue
    raise SegmentationError(f"{file} is not text.")


def _read_xlsx(file: Path, *, progress: Progress | None) -> pd.DataFrame:
    """All sheets one under another: the second edition has a sheet for each year."""
    from openpyxl import load_workbook

    book = load_workbook(file, read_only=True, data_only=True)
    sheets = [_sheet(sheet.iter_rows(values_only=True), progress) for sheet in book.worksheets]
    book.close()
    filled = [sheet for sheet in sheets if len(sheet.columns)]
    if not filled:
        raise SegmentationError(f"{file} holds no rows. {WHERE}")
    return pd.concat(filled, ignore_index=True)


def _sheet(rows: Iterator[tuple[Any, ...]], progress: Progress | None) -> pd.DataFrame:
    heading = next(rows, ())
    cells = []
    for count, row in enumerate(rows, start=1):
        cells.append(row)
        if count % ROWS_PER_MESSAGE == 0:
            say(progress, f"Reading the spreadsheet, which takes minutes: {count:,} rows")
    return pd.DataFrame(cells, columns=[str(cell) for cell in heading], dtype=object)


def _renamed(frame: pd.DataFrame, file: Path) -> pd.DataFrame:
    """The eight columns under the names used here."""
    plain = {re.sub(r"[^a-z]", "", str(column).lower()): column for column in frame.columns}
    names = {
        name: next((plain[spelling] for spelling in spellings if spelling in plain), None)
        for name, spellings in SPELLINGS.items()
    }
    if missing := [SPELLINGS[name][0] for name, column in names.items() if column is None]:
        found = ", ".join(str(column) for column in frame.columns)
        raise SegmentationError(
            f"{file} lacks the column {', '.join(missing)}; it has {found}. {WHERE}"
        )
    return pd.DataFrame({name: frame[column] for name, column in names.items()})


def _texts(values: pd.Series) -> list[str | None]:
    """Text as it stands: a code such as 10002 may come as a number from a spreadsheet."""
    empty = values.isna().tolist()
    return [None if gone else str(cell) for cell, gone in zip(values.tolist(), empty, strict=True)]


def _whole_numbers(values: pd.Series) -> list[str | None]:
    """Customer numbers as text: 17850, also where the file says 17850.0."""
    return [None if cell is None else re.sub(r"\.0+$", "", cell) for cell in _texts(values)]


def _timestamps(values: pd.Series) -> pd.Series:
    """Times in the first format that reads every cell."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return values
    cells = values.map(lambda cell: cell.strip() if isinstance(cell, str) else cell)
    if not cells.map(lambda cell: isinstance(cell, str)).any():
        return pd.to_datetime(cells)
    for form in DATE_FORMATS:
        parsed = pd.to_datetime(cells, format=form, errors="coerce")
        if not (parsed.isna() & cells.notna()).any():
            return parsed
    example = cells.dropna().iloc[0]
    raise ValueError(f"no known date format reads all of InvoiceDate, such as {example!r}")


_ORDERS = """
select
    invoice_no as order_id,
    min(customer_id) as customer_id,
    cast(null as varchar) as guest_email,
    min(invoiced_at) as ordered_at,
    case when upper(invoice_no) like 'C%' then 'cancelled' else 'completed' end as status,
    'web' as channel,
    'GBP' as currency,
    cast(0 as double) as discount_amount
from invoice_rows
where invoice_no is not null
group by invoice_no
order by min(file_row)
"""

_LINES = """
select
    invoice_no as order_id,
    cast(row_number() over (partition by invoice_no order by file_row) as integer) as line_number,
    stock_code as product_id,
    quantity,
    unit_price,
    description,
    invoiced_at as line_at
from invoice_rows
order by file_row
"""

_CUSTOMERS = """
select {columns}
from (
    select customer_id, country
    from invoice_rows
    where customer_id is not null
    qualify row_number() over (
        partition by customer_id order by invoiced_at desc nulls last, country nulls last
    ) = 1
)
order by customer_id
"""
