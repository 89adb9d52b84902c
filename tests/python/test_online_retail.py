"""Online Retail, built: the published figures of the dataset, counted again by the analysis."""

from pathlib import Path

import pytest
from conftest import PROJECT, run_dbt

from python_ext.datasets import import_online_retail

FILE = PROJECT.parent / "shared" / "data" / "online_retail.parquet"


@pytest.mark.skipif(not FILE.exists(), reason=f"the real file {FILE.name} is not on this machine")
def test_the_reference_figures_are_reproduced(tmp_path: Path):
    raw_data = tmp_path / "online_retail"
    import_online_retail(raw_data, source_file=FILE)
    build = run_dbt(
        "build",
        "--exclude-resource-type=test",
        "--exclude-resource-type=unit_test",
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
