"""CSV as spreadsheets and exports write it, through the one reader of the project."""

import csv

import duckdb
import pytest
from _datasets import ROOT, write_dataset

from python_ext.input_check import check_dataset
from python_ext.settings import DEFAULT_READERS, project_vars, raw_readers

HEADING = ["order_id", "line_number", "product_id", "quantity", "unit_price"]


def read(file):
    reader = raw_readers(ROOT)["csv"].replace("{path}", str(file.with_suffix("")))
    relation = duckdb.sql(f"select * from {reader}")
    return relation.columns, relation.fetchall()


def written(file, heading, rows, *, delimiter, bom=False):
    with file.open("w", encoding="utf-8-sig" if bom else "utf-8", newline="") as handle:
        csv.writer(handle, delimiter=delimiter).writerows([heading, *rows])
    return file


def test_the_reader_without_a_project_is_that_of_the_project():
    assert project_vars(ROOT)["raw_readers"] == DEFAULT_READERS


@pytest.mark.parametrize("bom", [True, False])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_any_delimiter_is_found(tmp_path, delimiter, bom):
    rows = [
        ("o1", "1", "p;1", "1,00", "12,50"),
        ("o2", "1", 'd\'Or, "rouge"', "-2", "1\u202f234,56"),
        ("o3", "1", "12, rue A\r\nBât. B; esc. 2", "2", "'7"),
    ]
    file = written(tmp_path / "lines.csv", HEADING, rows, delimiter=delimiter, bom=bom)
    assert read(file) == (HEADING, rows)


@pytest.mark.parametrize("delimiter", [";", ","])
def test_a_quote_that_first_occurs_late_is_a_quote(tmp_path, delimiter):
    rows = [(f"p{n}", "L'Hermite", "1,5") for n in range(30_000)]
    rows.append(("last", f'two\nlines{delimiter} and a "word"', "1,5"))
    file = written(tmp_path / "late.csv", HEADING[:3], rows, delimiter=delimiter)
    assert read(file)[1][-1] == rows[-1]


def test_words_for_nothing_are_nothing(tmp_path):
    rows = [("1", "", "NULL", "null", "N/A"), ("2", "#N/A", "Null", "nul", "none")]
    file = written(tmp_path / "nulls.csv", HEADING, rows, delimiter=";")
    assert read(file)[1] == [("1", None, None, None, None), ("2", None, "Null", "nul", "none")]


def test_a_dataset_with_semicolons_can_be_built(tmp_path):
    folder = write_dataset(tmp_path / "mine", raw_format="csv")
    for file in folder.glob("*/*.csv"):
        with file.open(encoding="utf-8", newline="") as handle:
            heading, *rows = csv.reader(handle)
        written(file, heading, rows, delimiter=";", bom=True)
    assert check_dataset(ROOT, str(folder), sources={}, raw_format="csv") == []


def test_an_export_of_another_encoding_is_told_to_be_saved_as_utf8(tmp_path):
    folder = write_dataset(tmp_path / "mine", raw_format="csv")
    file = folder / "shop" / "products.csv"
    file.write_bytes(file.read_text().replace("subcategory", "catégorie").encode("cp1252"))
    problems = check_dataset(ROOT, str(folder), sources={}, raw_format="csv")
    assert any("CSV UTF-8" in problem.todo for problem in problems), problems
