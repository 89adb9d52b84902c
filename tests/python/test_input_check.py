import json
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import duckdb
import pytest
from _datasets import ROOT, row_query, write_dataset, write_table

from python_ext.input_check import SAMPLE_ROWS, check_dataset, report
from python_ext.input_check_plugin import FUNCTION, Plugin


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("template") / "mine")


@pytest.fixture
def dataset(template, tmp_path):
    return shutil.copytree(template, tmp_path / "mine")


def problems_of(folder, *, raw_format="parquet", **sources):
    switches = {name.replace("__", "."): on for name, on in sources.items()}
    return check_dataset(ROOT, str(folder), sources=switches, raw_format=raw_format)


def only(problems):
    assert len(problems) == 1, report(problems)
    return problems[0]


@pytest.mark.parametrize("raw_format", ["parquet", "csv", "json"])
def test_good_files_have_no_problem(tmp_path, raw_format):
    folder = write_dataset(tmp_path / "mine", raw_format=raw_format)
    assert problems_of(folder, raw_format=raw_format) == []
    assert report([]) == ""


def test_missing_file_is_named_with_what_is_there(dataset):
    (dataset / "shop" / "order_lines.parquet").rename(dataset / "shop" / "OrderLine.parquet")
    problem = only(problems_of(dataset))
    assert (problem.source, problem.table) == ("shop", "order_lines")
    assert problem.file.endswith("mine/shop/order_lines.parquet")
    assert "OrderLine.parquet" in problem.what
    assert problem.todo.startswith("Rename OrderLine.parquet to order_lines.parquet")
    assert "Or do without" not in problem.todo


def test_missing_optional_file_may_be_switched_off(dataset):
    (dataset / "crm" / "consents.parquet").unlink()
    problem = only(problems_of(dataset))
    assert "`crm.consents: false`" in problem.todo
    assert "Rename" not in problem.todo
    assert problems_of(dataset, crm__consents=False) == []


@pytest.mark.parametrize("exists", [True, False])
def test_empty_or_missing_folder_is_one_problem(dataset, exists):
    for file in (dataset / "email").iterdir():
        file.unlink()
    if not exists:
        (dataset / "email").rmdir()
    problem = only(problems_of(dataset))
    assert (problem.source, problem.table) == ("email", "*")
    assert ("is empty" if exists else "is missing") in problem.what
    assert "campaigns, events" in problem.what
    assert problems_of(dataset, email=False) == []


def test_missing_dataset_is_one_problem(tmp_path):
    assert "folder is missing" in only(problems_of(tmp_path / "nowhere")).what


@pytest.mark.parametrize("kept", [0, 40, 400])
def test_truncated_parquet_cannot_be_read(dataset, kept):
    file = dataset / "web" / "events.parquet"
    file.write_bytes(file.read_bytes()[:kept])
    problem = only(problems_of(dataset))
    assert (problem.source, problem.table) == ("web", "events")
    assert "cannot be read" in problem.what


@pytest.mark.parametrize(
    "damage", [lambda text: text + "a,b,c,d,e,f,g,h,i,j,k\n", lambda text: text + '"open\n']
)
def test_broken_csv_cannot_be_read(tmp_path, damage):
    folder = write_dataset(tmp_path / "mine", raw_format="csv")
    file = folder / "shop" / "products.csv"
    file.write_text(damage(file.read_text()))
    problem = only(problems_of(folder, raw_format="csv"))
    assert (problem.source, problem.table) == ("shop", "products")
    assert "cannot be read" in problem.what


def test_csv_of_another_encoding_cannot_be_read(tmp_path):
    folder = write_dataset(tmp_path / "mine", raw_format="csv")
    file = folder / "shop" / "products.csv"
    file.write_bytes(file.read_text().replace("subcategory", "caf\xe9").encode("latin-1"))
    assert any("utf-8" in problem.what for problem in problems_of(folder, raw_format="csv"))


def test_malformed_json_cannot_be_read(tmp_path):
    folder = write_dataset(tmp_path / "mine", raw_format="json")
    file = folder / "shop" / "products.json"
    file.write_text(file.read_text() + '{"product_id": ')
    assert "cannot be read" in only(problems_of(folder, raw_format="json")).what


def test_missing_column_suggests_the_nearest(dataset):
    write_table(
        dataset, "shop.orders", row_query("shop.orders", customer_id=None, CustomerID="'c1'")
    )
    problem = only(problems_of(dataset))
    assert problem.column == "customer_id"
    assert "order_id" in problem.what and "CustomerID" in problem.what
    assert problem.todo == "Rename CustomerID to customer_id, if that is what it holds."


def test_missing_column_without_a_likeness_is_to_be_added(dataset):
    write_table(dataset, "shop.products", row_query("shop.products", unit_cost=None))
    problem = only(problems_of(dataset))
    assert (problem.column, problem.todo.split(";")[0]) == ("unit_cost", "Add the column unit_cost")


def test_case_order_and_extra_columns_are_free(dataset):
    query = row_query("shop.products", unit_cost=None, Unit_Cost="1.5", colour="'red'")
    write_table(dataset, "shop.products", query)
    assert problems_of(dataset) == []


@pytest.mark.parametrize(
    ("table", "column", "expression", "example"),
    [
        ("shop.orders", "ordered_at", "'02-24'", "02-24"),
        ("shop.orders", "ordered_at", "1709287200", "1709287200"),
        ("shop.orders", "discount_amount", "'1,50,00'", "1,50,00"),
        ("shop.order_lines", "quantity", "'two'", "two"),
        ("shop.order_lines", "line_number", "1.5", "1.5"),
        ("survey.responses", "answer", "'agree'", "agree"),
    ],
)
def test_wrong_type_is_named_with_count_and_example(dataset, table, column, expression, example):
    write_table(dataset, table, row_query(table, rows=7, **{column: expression}))
    problem = only(problems_of(dataset))
    assert (f"{problem.source}.{problem.table}", problem.column) == (table, column)
    assert problem.rows == 7
    assert "7 of 7" in problem.what and example in problem.what


@pytest.mark.parametrize(
    ("table", "column", "expression"),
    [
        ("shop.orders", "ordered_at", "'2024-03-01T10:00:00Z'"),
        ("shop.orders", "ordered_at", "date '2024-03-01'"),
        ("shop.orders", "ordered_at", "'31/12/2024 18:30'"),
        ("shop.orders", "ordered_at", "'20241231'"),
        ("shop.orders", "ordered_at", "cast(null as varchar)"),
        ("shop.orders", "discount_amount", "''"),
        ("shop.order_lines", "quantity", "3"),
        ("shop.order_lines", "line_number", "2.0::double"),
        ("shop.order_lines", "line_number", "' 2 '"),
        ("crm.customers", "birth_date", "'no date at all'"),
        ("crm.customers", "customer_id", "17850"),
    ],
)
def test_readable_values_and_dirty_text_are_not_wrong(dataset, table, column, expression):
    write_table(dataset, table, row_query(table, **{column: expression}))
    assert problems_of(dataset) == []


def test_a_dataset_may_have_date_formats_of_its_own(dataset):
    write_table(dataset, "shop.orders", row_query("shop.orders", ordered_at="'12/31/2024'"))
    assert only(problems_of(dataset)).column == "ordered_at"
    (dataset / "dataset.yml").write_text("vars: {date_formats: ['%m/%d/%Y']}\n")
    assert problems_of(dataset) == []


@pytest.mark.parametrize(("bad", "found"), [(20, 0), (21, 1)])
def test_one_in_five_unreadable_values_is_dirt_more_is_a_wrong_type(dataset, bad, found):
    query = row_query(
        "shop.order_lines",
        rows=150,
        quantity=f"case when n < {bad} then 'x' when n < 100 then '1' end",
    )
    write_table(dataset, "shop.order_lines", query)
    problems = problems_of(dataset)
    assert len(problems) == found
    assert [problem.rows for problem in problems] == [bad] * found


def test_only_the_first_rows_are_looked_at(dataset):
    late = f"case when n < {SAMPLE_ROWS} then '1' else 'x' end"
    query = row_query("shop.order_lines", rows=3 * SAMPLE_ROWS, quantity=late)
    write_table(dataset, "shop.order_lines", query)
    assert problems_of(dataset) == []


def test_orders_without_rows_are_a_problem_others_are_not(dataset):
    write_table(dataset, "web.events", row_query("web.events", rows=0))
    assert problems_of(dataset) == []
    write_table(dataset, "shop.orders", row_query("shop.orders", rows=0))
    problem = only(problems_of(dataset))
    assert (problem.table, problem.rows) == ("orders", 0)


def test_switches_must_name_something_and_leave_the_shop_on(dataset):
    problem = only(problems_of(dataset, crm__consent=False))
    assert "crm.consent" in problem.what and problem.todo == "Write crm.consents."
    assert {p.table for p in problems_of(dataset, shop=False)} == {"orders", "order_lines"}


def test_unknown_format_is_a_problem(dataset):
    assert "raw_format xlsx" in only(problems_of(dataset, raw_format="xlsx")).what


def test_everything_is_told_at_once(dataset):
    (dataset / "crm" / "consents.parquet").unlink()
    (dataset / "web" / "events.parquet").write_bytes(b"PAR1")
    write_table(dataset, "shop.orders", row_query("shop.orders", channel=None, ordered_at="'soon'"))
    problems = problems_of(dataset)
    assert {(p.source, p.table, p.column) for p in problems} == {
        ("crm", "consents", None),
        ("web", "events", None),
        ("shop", "orders", "channel"),
        ("shop", "orders", "ordered_at"),
    }
    text = report(problems)
    assert text.startswith("The input has 4 problems")
    for problem in problems:
        assert problem.what in text and problem.todo in text and problem.file in text


def test_quotes_in_the_path_do_no_harm(tmp_path):
    folder = write_dataset(tmp_path / "o hara")
    folder = folder.rename(tmp_path / "o'hara")
    assert problems_of(folder) == []


@pytest.fixture
def address(dataset):
    """The dataset behind an address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_arguments):
            """No line for each request."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=dataset)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_address_is_checked_without_a_look_at_the_disk(dataset, address, monkeypatch):
    assert problems_of(address) == []
    (dataset / "crm" / "consents.parquet").unlink()
    (dataset / "web" / "events.parquet").write_bytes(b"PAR1 cut short")
    missing, damaged = problems_of(address)
    assert (missing.table, missing.what) == ("consents", "the file is missing")
    assert missing.file == f"{address}/crm/consents.parquet"
    assert (damaged.table, "cannot be read" in damaged.what) == ("events", True)

    monkeypatch.setenv("RAW_DATA", address)
    with duckdb.connect() as connection:
        Plugin(name="input_check", plugin_config={"project_dir": str(ROOT)}).configure_connection(
            connection
        )
        assert "crm.consents" in ask(connection, address)
        orders = f"select count(*) from read_parquet('{address}/shop/orders.parquet')"
        assert connection.execute(orders).fetchone() == (3,)


def ask(connection, folder, raw_format="parquet", sources=None):
    arguments = [str(folder), raw_format, json.dumps(sources or {}), "[]"]
    return connection.execute(f"select {FUNCTION}(?, ?, ?, ?)", arguments).fetchone()[0]


@pytest.fixture
def plugged():
    with duckdb.connect() as connection:
        Plugin(name="input_check", plugin_config={"project_dir": str(ROOT)}).configure_connection(
            connection
        )
        yield connection.cursor()


def test_function_is_empty_when_all_is_well_and_sees_a_change(plugged, dataset):
    assert ask(plugged, dataset) == ""
    (dataset / "crm" / "consents.parquet").unlink()
    answer = ask(plugged, dataset)
    assert answer == report(problems_of(dataset))
    assert "crm.consents" in answer
    assert ask(plugged, dataset, sources={"crm.consents": False}) == ""


def test_function_does_not_disturb_the_transaction_it_runs_in(plugged, dataset):
    plugged.execute("begin")
    plugged.execute("create table kept as select 1 as one")
    (dataset / "shop" / "orders.parquet").write_bytes(b"")
    assert "shop.orders" in ask(plugged, dataset)
    plugged.execute("commit")
    assert plugged.execute("select one from kept").fetchone() == (1,)


def test_dbt_duckdb_accepts_the_plugin(dataset, tmp_path):
    from dbt.adapters.duckdb.credentials import DuckDBCredentials
    from dbt.adapters.duckdb.environments.local import LocalEnvironment

    plugin = {"module": "python_ext.input_check_plugin", "config": {"project_dir": str(ROOT)}}
    credentials = DuckDBCredentials.from_dict(
        {
            "database": "build",
            "schema": "main",
            "path": str(tmp_path / "build.duckdb"),
            "plugins": [plugin],
        }
    )
    environment = LocalEnvironment(credentials)
    try:
        handle = environment.handle()
        assert ask(handle.cursor(), dataset) == ""
        handle.close()
    finally:
        environment.close()
