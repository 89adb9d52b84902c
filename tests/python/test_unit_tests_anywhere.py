"""dbt unit tests know their own settings: no dataset.yml turns one red."""

import shutil

from conftest import Build, run_dbt

ANOTHER_DATASET = {
    "base_currency": "GBP",
    "demo_secret_allowed": True,
    "sources": {name: False for name in ("crm", "web", "email", "survey", "social", "external")}
    | {"shop.products": False},
    "crm_covers_all_customers": False,
    "products_that_are_no_goods": ["p", "q"],
    "earliest_plausible_date": "1900-01-01",
    "date_formats": ["%Y"],
    "default_country": "GB",
    "small_words_of_names": [],
    "oldest_plausible_age": 30,
    "near_duplicate_seconds": 100,
    "as_of_date": "2001-01-01",
    "horizon_days": 30,
    "min_history_days": 10,
    "max_train_cutoffs": 2,
    "rfm_window_days": 5,
    "session_timeout_minutes": 1,
    "engaged_session_seconds": 1,
    "reactivity_minutes": 1,
    "engagement_midpoint": 1,
    "lifecycle_active_days": 1,
    "lifecycle_cooling_days": 2,
    "profiling_basis": "consent",
    "k_anonymity": 1,
    "least_costed_share": 0.1,
    "max_records_per_key": 1,
    "outlier_min_rows": 1,
    "outlier_least_spread": 2,
    "audit_z": 1,
    "audit_least_rows": 1,
    "audit_most_levels": 1,
    "audit_new_category_share": 0.5,
    "audit_psi": {"moderate": 9, "major": 9},
    "audit_rows_change": {"moderate": 9, "major": 9},
    "audit_share_change": {"moderate": 9, "major": 9},
}


def test_unit_tests_pass_under_the_settings_of_any_dataset(demo_build: Build, tmp_path):
    shutil.copy(demo_build.database, tmp_path / "build.duckdb")
    done = run_dbt(
        "test",
        "--select",
        "test_type:unit",
        folder=tmp_path,
        raw_data=demo_build.raw_data,
        variables=ANOTHER_DATASET,
        tested=True,
    )
    assert done.returncode == 0, done.output[-4000:]
    assert "PASS=0" not in done.output
