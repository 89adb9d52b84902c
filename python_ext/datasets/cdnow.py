"""CDNOW: real purchases of people who first bought at an online music shop in early 1997."""

from pathlib import Path

import duckdb

from python_ext.datasets._writing import (
    Progress,
    say,
    wheel_file,
    whole_folder,
    write_description,
    write_table,
)

NAME = "cdnow"

SOURCES = {
    "crm": False,
    "shop.products": False,
    "web": False,
    "email": False,
    "survey": False,
    "social": False,
    "external": False,
}


def import_cdnow(
    out: Path, *, all_customers: bool = False, progress: Progress | None = None
) -> None:
    """Write CDNOW in the raw contract.

    Each row of the file is an order with one line: so many CDs for so much money. The unit price
    is the amount over the number of CDs; a few orders cost nothing and keep their price of zero.
    The dates have no time of day. Every line sells the product ``CD``; nothing is known of the
    people, so all other sources are off.

    Parameters
    ----------
    out : Path
        Folder to write; an earlier import is replaced.
    all_customers : bool, default False
        All 23,570 customers with 69,659 orders; else the usual one-in-ten sample of 2,357
        customers with 6,919 orders, on which the published models of customer value were fitted.
    progress : callable, optional
        Told in words what is being done.

    Raises
    ------
    SegmentationError
        The wheel lifetimes is absent, or ``out`` holds something else.

    Notes
    -----
    Fader and Hardie, "Forecasting repeat sales at CDNOW: a case study", Interfaces 31 (2001).
    """
    name = "CDNOW_master.txt" if all_customers else "CDNOW_sample.txt"
    file = wheel_file("lifetimes", f"datasets/{name}", distribution="lifetimes")
    with whole_folder(out, dataset=NAME) as folder, duckdb.connect() as connection:
        say(progress, "Reading the purchases")
        connection.execute(_PURCHASES.format(file=file))
        say(progress, "Writing orders and lines")
        write_table(connection, _ORDERS, folder, "shop.orders")
        write_table(connection, _LINES, folder, "shop.order_lines")
        write_description(
            folder,
            name=NAME,
            title="CDNOW: purchases at an online music shop, 1997 to mid-1998"
            + (" (all customers)" if all_customers else " (one-in-ten sample)"),
            currency="USD",
            sources=SOURCES,
            # Older than what a retailer of today can have recorded.
            earliest_plausible_date="1997-01-01",
        )


# The files are columns between blanks, of varying width, with one heading line in the larger:
# the customer comes first, the date, the CDs and the amount last.
_PURCHASES = r"""
create table purchases as
with rows as (
    select
        row_number() over () as file_row,
        regexp_split_to_array(trim(line), '\s+') as cells
    from read_csv(
        '{file}', columns = {{'line': 'varchar'}}, delim = '\n', quote = '', header = false
    )
)
select
    file_row,
    cells[1] as customer_id,
    strptime(cells[-3], '%Y%m%d') as ordered_at,
    cast(cells[-2] as double) as quantity,
    cast(cells[-1] as double) as amount,
    cells[1] || '-' || cells[-3] || '-'
        || row_number() over (partition by cells[1], cells[-3] order by file_row) as order_id
from rows
where regexp_matches(cells[1], '^[0-9]+$')
"""

_ORDERS = """
select
    order_id,
    customer_id,
    cast(null as varchar) as guest_email,
    ordered_at,
    'completed' as status,
    'web' as channel,
    'USD' as currency,
    cast(0 as double) as discount_amount
from purchases
order by file_row
"""

_LINES = """
select
    order_id,
    cast(1 as integer) as line_number,
    'CD' as product_id,
    quantity,
    amount / nullif(quantity, 0) as unit_price
from purchases
order by file_row
"""
