"""The comparison of engines finds what differs, and forgives only what it says."""

import importlib.util

import pandas as pd
import pytest
from conftest import PROJECT


@pytest.fixture(scope="module")
def compared():
    file = PROJECT / "benchmarks" / "_engines_compared.py"
    spec = importlib.util.spec_from_file_location("_engines_compared", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def rows():
    return pd.DataFrame(
        {
            "name": ["a", "b", "c"],
            "size": [1.0, 2.0, None],
            "text": ["x", None, '{"p": 0.12345678901}'],
            "flag": [True, False, None],
            "day": pd.to_datetime(["2024-01-01", None, "2024-02-29"]),
        }
    )


def test_equal_tables_in_another_order_are_equal(compared, rows):
    found = compared.compare("t", ["name"], rows, rows.iloc[::-1])
    assert (found["keys apart"], found["differ"], found["cells"]) == (0, 0, 12)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("size", 2.0001),
        ("size", None),
        ("text", "y"),
        ("flag", True),
        ("day", pd.Timestamp("2024-01-02")),
    ],
)
def test_one_other_cell_is_found(compared, rows, column, value):
    other = rows.copy()
    other.loc[1, column] = value
    found = compared.compare("t", ["name"], rows, other)
    assert found["columns"] == {column: 1}


def test_a_last_digit_is_forgiven_in_numbers_and_in_json(compared, rows):
    other = rows.copy()
    other.loc[1, "size"] = 2.0000000001
    other.loc[2, "text"] = '{"p": 0.12345678902}'
    assert compared.compare("t", ["name"], rows, other)["differ"] == 0


def test_a_missing_row_and_a_missing_column_are_found(compared, rows):
    assert compared.compare("t", ["name"], rows, rows[:2])["keys apart"] == 1
    assert compared.compare("t", ["name"], rows, rows.drop(columns="flag"))["differ"] == 1
