"""A real build of customers without structure: nothing is found, and that is said."""

import shutil

import duckdb
import numpy as np
import pandas as pd
import pytest
from conftest import run_dbt

from python_ext.report import write_report

SELECT = "+path:models/marts/segments"
SHOP_ONLY = {"crm": True, "shop": True} | dict.fromkeys(
    ("web", "email", "survey", "social", "external"), False
)


@pytest.fixture(scope="module")
def noise_build(demo_data, tmp_path_factory):
    """The demo with its orders dealt out anew: who bought what, when and how often is chance."""
    folder = tmp_path_factory.mktemp("noise")
    raw_data = folder / "raw"
    shutil.copytree(demo_data, raw_data)
    path = raw_data / "shop" / "orders.parquet"
    orders = pd.read_parquet(path)
    buyers = orders["customer_id"].dropna().unique()
    known = orders["customer_id"].notna()
    drawn = np.random.default_rng(1).choice(np.sort(buyers), known.sum())
    orders.loc[known, "customer_id"] = drawn
    orders.to_parquet(path)
    build = run_dbt(
        *("build", "--select", SELECT),
        folder=folder,
        raw_data=raw_data,
        # All algorithms of segments look; what is about scores is kept small.
        variables={
            "sources": SHOP_ONLY,
            "stability_sample_rows": 300,
            "propensity_algorithms": ["logistic_regression"],
        },
        lean=False,
    )
    assert build.returncode == 0, build.output[-3000:]
    return build


def test_the_segments_are_those_of_rfm_and_are_named_so(noise_build):
    rows = noise_build.rows(
        "select segment_id, segment, rfm_segment, segment_basis, segment_stability, sub_segment_id "
        "from marts.customer_segments where segment_id > 0"
    )
    assert len(rows) > 300
    assert {row[0] for row in rows} <= set(range(901, 912)) and len({row[0] for row in rows}) > 4
    assert all(row[1] == row[2] for row in rows)
    assert {row[3:] for row in rows} == {("rfm", None, None)}


def test_the_mart_of_quality_says_why_in_words(noise_build):
    (main,) = noise_build.rows(
        "select algorithm, reason, votes from marts.segment_quality "
        "where segment_view = 'all' and is_chosen"
    )
    assert main[0] == "rfm"
    assert main[1].startswith("no stable segmentation exists: no candidate is")
    assert "RFM segments stand in" in main[1]
    rejected = noise_build.rows(
        "select k, is_admissible, reason from marts.segment_quality "
        "where segment_view = 'all' and not is_chosen and k > 1"
    )
    assert len(rejected) > 20
    assert not any(row[1] for row in rejected)
    assert all(row[2] for row in rejected)


def test_the_page_says_it_plainly(noise_build, tmp_path):
    # Publishing asks for all marts; the page needs those of the segments and what they are about.
    published, page = tmp_path / "segments.duckdb", tmp_path / "page.html"
    shutil.copy(noise_build.database, published)
    with duckdb.connect(str(published)) as connection:
        connection.execute(
            "create table marts.about as select 'noise' as dataset, 'Noise' as dataset_title, "
            "true as is_synthetic, 'EUR' as base_currency, date '2026-07-01' as as_of_date, "
            "10 as k_anonymity"
        )
    write_report(published, page)
    told = page.read_text(encoding="utf-8")
    assert "No stable segmentation was found" in told
    assert "this page shows the RFM segments" in told
    assert "Champions" in told
