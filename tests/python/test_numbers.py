"""Numbers as people write them: the macro that reads them, and the check before a build."""

import re

import duckdb
import jinja2
import pytest
from _datasets import ROOT, row_query, write_dataset, write_table

from python_ext import _readable_values
from python_ext.input_check import check_dataset, report

NUMBERS = {
    "12.50": 12.5,
    "12,50": 12.5,
    ",5": 0.5,
    "-3": -3,
    "+3,0": 3,
    "1 234,56": 1234.56,
    "1\u00a0234,56": 1234.56,
    "1\u202f234\u202f567,8": 1234567.8,
    "1\u2009234": 1234,
    "1 234.56": 1234.56,
    "1.234,56": 1234.56,
    "1.234.567": 1234567,
    "1,234.56": 1234.56,
    "1,234,567": 1234567,
    "1'234.50": 1234.5,
    "1’234.50": 1234.5,
    " 12,50 € ": 12.5,
    "€12.50": 12.5,
    "12,50\u00a0EUR": 12.5,
    "-1 234,5 €": -1234.5,
    "12,50-": -12.5,
    "−12,50": -12.5,
    "1,5E+03": 1500,
    "1e3": 1000,
    # One mark alone is the decimal one, as SAP writes a quantity and as any program a number.
    "1,000": 1,
    "1.234": 1.234,
}
NO_NUMBERS = [
    "", " ", "-", "€", ",", "offert", "#N/A", "NaN", "inf", "-Infinity", "12 50", "1 23,5", "1,2,3",
    "1.2.3", "12,50,00", "12 pièces", "31/12/2024", "1.234 567,8 9", "12,5 %", "--5", "1e400",
]  # fmt: skip


def macros(engine):
    """The macros of the project, as dbt would render them for an engine."""

    class Adapter:
        def dispatch(self, name):
            return getattr(module, f"{engine}__{name}")

    text = "\n".join((ROOT / "macros" / name).read_text() for name in ("dialect.sql", "text.sql"))
    known = {"adapter": Adapter(), "return": lambda value: value, "var": lambda name: []}
    module = jinja2.Environment().from_string(text).make_module(known)
    return module


def by_macro(name, values, kind="varchar"):
    sql = str(getattr(macros("default"), name)("value"))
    return duckdb.execute(
        f"select {sql} from (select unnest(?::{kind}[]) as value)", [values]
    ).fetchall()


def by_check(values):
    connection = duckdb.connect()
    connection.execute(_readable_values.MACROS)
    return connection.execute(
        "select read_number(nullif(trim(value), '')) from (select unnest(?::varchar[]) as value)",
        [values],
    ).fetchall()


@pytest.mark.parametrize(("text", "number"), NUMBERS.items())
def test_a_number_is_read_as_it_was_meant(text, number):
    assert by_macro("read_number", [text]) == [(number,)]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_number_is_null(text):
    assert by_macro("read_number", [text]) == [(None,)]


def test_the_check_reads_as_the_build_does():
    texts = [*NUMBERS, *NO_NUMBERS]
    assert by_check(texts) == by_macro("read_number", texts)


def test_a_typed_number_stays_and_is_never_nan():
    assert by_macro("read_number", [1.5, None, float("nan"), float("inf"), -2e9], "double") == [
        (1.5,), (None,), (None,), (None,), (-2e9,)
    ]  # fmt: skip


def test_a_whole_number_may_be_written_with_a_comma():
    texts = ["1", "1,0", "1.0", "1 000", "1,5", "x", None]
    assert by_macro("read_integer", texts) == [(1,), (1,), (1,), (1000,), (None,), (None,), (None,)]


def test_spark_gets_its_own_functions_for_the_same_patterns():
    default, spark = (str(macros(engine).read_number("value")) for engine in ("default", "spark"))
    assert "regexp_like" in spark and "regexp_matches" not in spark
    patterns = [re.findall(r"'(\^[^']*\$)'", sql) for sql in (default, spark)]
    assert patterns[0] and patterns[0] == patterns[1]


def test_no_model_casts_text_to_a_number_by_itself():
    casts = re.compile(r"try_cast\([^()]*as (double|integer|bigint|decimal)")
    staging = sorted((ROOT / "models" / "staging").glob("*/*.sql"))
    assert staging
    assert [file.name for file in staging if casts.search(file.read_text())] == []


def test_prices_with_a_decimal_comma_pass_the_check(tmp_path):
    folder = write_dataset(tmp_path / "mine")
    lines = row_query("shop.order_lines", quantity="'1,00'", unit_price="'1 234,56 €'")
    write_table(folder, "shop.order_lines", lines)
    assert check_dataset(ROOT, str(folder), sources={}, raw_format="parquet") == []
    write_table(folder, "shop.order_lines", row_query("shop.order_lines", unit_price="'12 pièces'"))
    problems = check_dataset(ROOT, str(folder), sources={}, raw_format="parquet")
    assert [problem.column for problem in problems] == ["unit_price"], report(problems)
    assert "1 234,56" in problems[0].todo
