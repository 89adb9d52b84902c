"""Online Retail, built: the published figures of the dataset, counted again by the analysis."""

from pathlib import Path

import duckdb
import pytest
from conftest import PROJECT, run_dbt

from python_ext.datasets import import_online_retail

FILE = PROJECT.parent / "shared" / "data" / "online_retail.parquet"
needs_the_file = pytest.mark.skipif(
    not FILE.exists(), reason=f"the real file {FILE.name} is not on this machine"
)


@needs_the_file
def test_the_reference_figures_are_reproduced(tmp_path: Path):
    raw_data = tmp_path / "online_retail"
    import_online_retail(raw_data, source_file=FILE)
    build = run_dbt(
        "build",
        "--select",
        "+stg_shop__orders",
        "+stg_shop__order_lines",
        folder=tmp_path,
        raw_data=raw_data,
    )
    assert build.returncode == 0, build.output[-3000:]
    run_dbt(
        "compile",
        "--select",
        "online_retail_reference_figures",
        folder=tmp_path,
        raw_data=raw_data,
    )
    query = next((build.target / "compiled").rglob("online_retail_reference_figures.sql"))
    figures = build.rows(query.read_text())
    assert len(figures) == 14
    assert [row for row in figures if not row[3]] == []


@needs_the_file
def test_the_labels_reproduce_the_published_figures(tmp_path: Path):
    """Active before 2011-09-10: 3,370 customers, of whom 1,921 buy again by 2011-12-09.

    Nothing was sold on 2011-09-10, a Saturday, so that the cutoff of 2011-09-11 (90 days before the
    day after the last purchase) says the same.
    """
    raw_data = tmp_path / "online_retail"
    import_online_retail(raw_data, source_file=FILE)
    build = run_dbt(
        "build",
        "--select",
        "+int_customer_labels",
        folder=tmp_path,
        raw_data=raw_data,
    )
    assert build.returncode == 0, build.output[-3000:]
    assert build.rows(
        "select cast(cutoff_on as varchar), split, count(*), count(*) filter (label) "
        "from intermediate.int_customer_labels where target = 'purchase' and split <> 'score' "
        "group by all order by 1 desc"
    ) == [
        ("2011-09-11", "test", 3370, 1921),
        ("2011-06-13", "train", *_counted(FILE, "2011-06-13")),
        ("2011-03-15", "train", *_counted(FILE, "2011-03-15")),
    ]
    # No mail and no products: targets that need them are absent, and the build says so.
    made = build.rows("select distinct target from intermediate.int_customer_labels order by 1")
    assert made == [("churn",), ("high_value",), ("purchase",), ("repeat",)]
    assert "Targets left out" in build.output and "email_click (email.events)" in build.output


def _counted(file: Path, cutoff: str) -> tuple[int, int]:
    """The same from the file itself: positive quantity and price, with an id."""
    return duckdb.execute(
        f"""
        select count(*) filter (began), count(*) filter (began and came_back)
        from (
            select
                bool_or(InvoiceDate < date '{cutoff}') as began,
                bool_or(
                    InvoiceDate >= date '{cutoff}'
                    and InvoiceDate < date '{cutoff}' + interval 90 day
                ) as came_back
            from read_parquet('{file}')
            where CustomerID is not null and Quantity > 0 and UnitPrice > 0
            group by CustomerID
        )
        """
    ).fetchone()
