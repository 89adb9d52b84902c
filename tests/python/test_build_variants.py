"""Builds with sources switched off, and as of a past date with consent as the basis."""

from pathlib import Path

import pytest
from conftest import run_dbt

from python_ext.publish import publish

OPTIONAL = {name: False for name in ("crm", "web", "email", "survey", "social", "external")}


@pytest.fixture(scope="module")
def shop_only(tmp_path_factory, demo_data):
    """The demo with every optional source and table switched off."""
    folder = tmp_path_factory.mktemp("shop_only")
    return run_dbt(
        "build",
        "--exclude-resource-type=unit_test",
        folder=folder,
        raw_data=demo_data,
        variables={"sources": {**OPTIONAL, "shop.products": False}},
        tested=True,
    )


def test_the_shop_alone_makes_segments(shop_only):
    assert shop_only.returncode == 0, shop_only.output[-4000:]
    assert shop_only.rows("select count(*) > 100 from marts.customer_segments") == [(True,)]


def test_a_source_that_is_off_is_said_and_is_empty(shop_only):
    assert "Switched off, and absent from every model: crm.customers" in shop_only.output
    assert shop_only.rows(
        "select table_name from marts.load_reconciliation where is_switched_on order by 1"
    ) == [("order_lines",), ("orders",)]
    assert shop_only.rows("select count(*) from staging.stg_web__events") == [(0,)]


def test_what_is_off_is_null_and_not_zero(shop_only):
    assert shop_only.rows(
        "select count(sessions), count(emails_delivered_365d) from marts.customer_engagement"
    ) == [(0, 0)]
    learned = {row[0] for row in shop_only.rows("select feature from marts.segment_profiles")}
    assert "average_order_value" in learned
    assert not learned & {"sessions_90d", "email_open_rate", "taste_1", "age_years"}


@pytest.fixture(scope="module")
def past_by_consent(tmp_path_factory, demo_data):
    """The demo as of a past date, with consent as the basis of profiling."""
    build = run_dbt(
        "build",
        folder=tmp_path_factory.mktemp("past_by_consent"),
        raw_data=demo_data,
        variables={
            "as_of_date": "2025-01-01",
            "rfm_window_days": 365,
            "profiling_basis": "consent",
        },
        env={"DBT_WRITE_JSON": "true"},
    )
    assert build.returncode == 0, build.output[-4000:]
    return build


def test_a_build_as_of_a_past_date_knows_nothing_later(past_by_consent):
    latest = past_by_consent.rows(
        "select max(last_seen_on) < date '2025-01-01', count(*) filter (where is_prospect) > 0 "
        "from marts.customers"
    )
    assert latest == [(True, True)]
    lost = past_by_consent.rows(
        "select count(*) from marts.customer_rfm where rfm_segment = 'Lost'"
    )
    assert lost > [(0,)]


def test_with_consent_as_the_basis_only_who_agreed_is_profiled(past_by_consent, tmp_path):
    assert past_by_consent.rows(
        "select count(*) from marts.customers where may_be_profiled <> has_profiling_consent"
    ) == [(0,)]
    share = past_by_consent.rows(
        "select avg(case when segment_id = -1 then 1.0 else 0.0 end) from marts.customer_segments"
    )[0][0]
    assert 0.15 < share < 0.5
    publish(
        past_by_consent.database,
        tmp_path / "publish",
        past_by_consent.target / "run_results.json",
        project_dir=Path.cwd(),
    )
