"""What a real build of the demo gives, against the planted truth."""

from pathlib import Path

import duckdb
import pandas as pd
import pytest
from conftest import run_dbt

from python_ext import clustering, drift, identity, lifetime_value, propensity, quality

SCHEMAS = {
    "ml_identity_links": identity.LINKS_SCHEMA,
    "ml_record_keys": identity.KEYS_SCHEMA,
    "ml_customer_identities": identity.SCHEMA,
    "ml_order_line_outliers": quality.OUTLIERS_SCHEMA,
    "ml_segment_models": clustering.MODELS_SCHEMA,
    "ml_segment_events": clustering.EVENTS_SCHEMA,
    "ml_segment_backcast": clustering.CLUSTERS_SCHEMA,
    "ml_customer_clusters": clustering.CLUSTERS_SCHEMA,
    "ml_segment_profiles": clustering.PROFILES_SCHEMA,
    "ml_segment_names": clustering.NAMES_SCHEMA,
    "ml_segment_projection": clustering.PROJECTION_SCHEMA,
    "ml_segment_rules": clustering.RULES_SCHEMA,
    "ml_segment_associations": clustering.ASSOCIATIONS_SCHEMA,
    "ml_segment_stability": clustering.STABILITY_SCHEMA,
    "ml_segment_tree": clustering.TREE_SCHEMA,
    "ml_segment_loadings": clustering.LOADINGS_SCHEMA,
    "ml_lifetime_models": lifetime_value.LIFETIME_MODELS_SCHEMA,
    "ml_customer_lifetimes": lifetime_value.LIFETIMES_SCHEMA,
    "ml_value_models": lifetime_value.VALUE_MODELS_SCHEMA,
    "ml_value_totals": lifetime_value.TOTALS_SCHEMA,
    "ml_customer_value": lifetime_value.CUSTOMER_VALUE_SCHEMA,
    "ml_value_calibration": lifetime_value.CALIBRATION_SCHEMA,
    "ml_propensity_models": propensity.MODELS_SCHEMA,
    "ml_propensity_scores": propensity.SCORES_SCHEMA,
    "ml_propensity_importances": propensity.IMPORTANCES_SCHEMA,
    "ml_propensity_metrics": propensity.METRICS_SCHEMA,
    "ml_feature_distributions": drift.DISTRIBUTIONS_SCHEMA,
    "ml_feature_drift": drift.DRIFT_SCHEMA,
    "ml_model_decay": drift.DECAY_SCHEMA,
    "ml_propensity_reliability": propensity.RELIABILITY_SCHEMA,
    "ml_propensity_gains": propensity.GAINS_SCHEMA,
    "ml_propensity_profits": propensity.PROFITS_SCHEMA,
    "ml_propensity_groups": propensity.GROUPS_SCHEMA,
    "ml_test_segments": clustering.CLUSTERS_SCHEMA,
    "ml_feature_imputations": quality.IMPUTATIONS_SCHEMA,
}

# Which reason a planted defect must be set aside for; the rest are kept, flagged or joined.
SET_ASIDE = {
    "duplicate_crm_row": ("crm", "customers", "repeated_record"),
    "future_order": ("shop", "orders", "future_date"),
    "unknown_currency": ("shop", "orders", "unknown_currency"),
    "negative_price": ("shop", "order_lines", "negative_price"),
    "zero_price": ("shop", "order_lines", "zero_price"),
    "orphan_order_line": ("shop", "order_lines", "orphan_line"),
    "repeated_web_event": ("web", "events", "repeated_event"),
    "repeated_email_event": ("email", "events", "repeated_event"),
    "near_duplicate_web_event": ("web", "events", "near_duplicate_event"),
    "near_duplicate_email_event": ("email", "events", "near_duplicate_event"),
}
# Kept and flagged, with the column of staging that says so, where there is one.
FLAGGED = {
    "broken_email": ("customers", "broken_email", "is_email_broken"),
    "unknown_country": ("customers", "unknown_country", "is_country_unknown"),
    "misspelt_country": ("customers", "corrected_country", "is_country_corrected"),
    "spreadsheet_postcode": ("customers", "corrected_postcode", "is_postcode_corrected"),
    "future_birth_date": ("customers", "future_birth_date", "is_birth_date_in_future"),
    "impossible_age": ("customers", "impossible_age", "is_age_impossible"),
    "unreadable_birth_date": ("customers", "unreadable_birth_date", "is_birth_date_unreadable"),
    "unreadable_created_at": ("customers", "unreadable_created_at", "is_created_at_unreadable"),
    "order_unknown_customer": ("orders", "unknown_customer", None),
    "return_without_sale": ("order_lines", "return_without_sale", None),
    "extreme_quantity": ("order_lines", "extreme_quantity", None),
}
# Understood and put right: the rows whose raw value needed it.
UNDERSTOOD = {
    "padded_text": "stg_crm__customers where last_name_raw <> trim(last_name_raw)"
    " and last_name = trim(last_name_raw)",
    "mixed_case_text": "stg_crm__customers where last_name_raw in (upper(last_name_raw), "
    "lower(last_name_raw)) and last_name not in (upper(last_name), lower(last_name))",
    "french_gender": "stg_crm__customers where gender_raw not in ('F', 'M') "
    "and gender in ('f', 'm')",
    "french_order_status": "stg_shop__orders where status_raw = 'annulée' and status = 'cancelled'",
    "french_order_channel": "stg_shop__orders where channel_raw = 'magasin' and channel = 'store'",
}


@pytest.fixture(scope="module")
def planted(demo_data) -> dict[str, int]:
    defects = pd.read_parquet(demo_data / "_truth" / "defects.parquet")
    return dict(zip(defects["defect"], defects["rows"], strict=True))


@pytest.mark.parametrize("defect", SET_ASIDE)
def test_a_planted_defect_is_set_aside_with_its_exact_count(defect, demo_build, planted):
    source, table, reason = SET_ASIDE[defect]
    found = demo_build.rows(
        "select count(*) from marts.quarantined_records where source_name = "
        f"'{source}' and table_name = '{table}' and reason_code = '{reason}'"
    )
    assert found == [(planted[defect],)]


def test_skewed_clocks_are_set_aside_with_their_exact_count(demo_build, planted):
    found = demo_build.rows(
        "select count(*) from marts.quarantined_records where source_name = 'web' "
        "and reason_code in ('future_date', 'implausible_date')"
    )
    assert found == [(planted["clock_skewed_web_event"],)]


def test_nothing_clean_is_set_aside(demo_build, planted):
    """Every quarantined row is a planted one, or a line of an order that was set aside."""
    found = demo_build.rows(
        "select count(*) from marts.quarantined_records where reason_code <> 'order_set_aside'"
    )
    expected = sum(planted[name] for name in SET_ASIDE) + planted["clock_skewed_web_event"]
    assert found == [(expected,)]


@pytest.mark.parametrize("defect", FLAGGED)
def test_a_planted_defect_is_kept_and_flagged(defect, demo_build, planted):
    table, reason, column = FLAGGED[defect]
    found = demo_build.rows(
        "select rows_affected from marts.quality_findings where severity = 'warning' "
        f"and table_name = '{table}' and reason_code = '{reason}'"
    )
    assert found == [(planted[defect],)]
    if column:
        marked = demo_build.rows(
            f"select count(*) from staging.stg_crm__customers where {column}"
            " and rejection_reason is null"
        )
        assert marked == found


@pytest.mark.parametrize("defect", UNDERSTOOD)
def test_a_planted_spelling_is_understood(defect, demo_build, planted):
    found = demo_build.rows(
        f"select count(*) from staging.{UNDERSTOOD[defect]} and rejection_reason is null"
    )
    assert found == [(planted[defect],)]


def test_nothing_clean_is_flagged(demo_build, planted):
    """Every flag of a rule stands for a planted defect; of the statistical ones hardly any errs."""
    found = demo_build.rows(
        "select reason_code like 'extreme_%', sum(rows_affected), max(rows_checked) "
        "from marts.quality_findings where severity = 'warning' group by all order by all"
    )
    (_, by_rule, _), (_, extreme, lines) = found
    assert by_rule == sum(planted[name] for name in FLAGGED if name != "extreme_quantity")
    assert extreme - planted["extreme_quantity"] <= 0.001 * lines


def test_every_table_is_reconciled(demo_build, demo_data):
    """Rows of each of the 13 files = rows kept + rows set aside, counted without dbt."""
    rows = demo_build.rows(
        "select source_name, table_name, rows_in, rows_kept + rows_set_aside "
        "from marts.load_reconciliation"
    )
    assert len(rows) == 13
    for source, table, rows_in, accounted in rows:
        with duckdb.connect() as connection:
            delivered = connection.sql(
                f"select count(*) from '{demo_data}/{source}/{table}.parquet'"
            ).fetchone()[0]
        assert delivered == rows_in == accounted, f"{source}.{table}"


def test_no_defect_is_left_out(planted):
    """Defects of identity and of arrival are judged elsewhere."""
    elsewhere = {name for name in planted if name.startswith(("exact_", "fuzzy_", "shared_"))}
    elsewhere |= {"switchboard_phone", "guest_order_known_person", "guest_order_unknown_person"}
    elsewhere |= {"late_web_event", "clock_skewed_web_event"}
    assert set(planted) == elsewhere | set(SET_ASIDE) | set(FLAGGED) | set(UNDERSTOOD)


def test_exact_duplicates_become_one_person(demo_build, demo_data):
    truth = pd.read_parquet(demo_data / "_truth" / "records.parquet")
    keys = pd.DataFrame(
        demo_build.rows("select record_id, customer_key from ml.ml_customer_identities"),
        columns=["record_id", "customer_key"],
    )
    joined = truth.merge(keys, on="record_id")
    twins = joined[joined["defect"] == "exact_duplicate"]
    assert len(twins) > 0
    people = joined.groupby("person_id")["customer_key"]
    mode = people.agg(lambda values: values.mode().iloc[0])
    assert (twins["customer_key"] == twins["person_id"].map(mode)).mean() == 1


@pytest.mark.parametrize("table", SCHEMAS)
def test_an_ml_table_has_the_types_of_its_schema(table, demo_build):
    found = demo_build.rows(
        "select column_name, data_type from information_schema.columns "
        f"where table_schema = 'ml' and table_name = '{table}' order by ordinal_position"
    )
    names = {"string": "VARCHAR", "binary": "BLOB"}
    assert found == [(name, names.get(kind, kind.upper())) for name, kind in SCHEMAS[table].items()]


def test_no_ml_table_is_without_a_schema():
    assert {file.stem for file in Path("models/ml").rglob("ml_*.py")} == set(SCHEMAS)


def test_an_ml_model_is_a_thin_binder():
    for file in Path("models/ml").rglob("ml_*.py"):
        code = [
            line
            for line in file.read_text().splitlines()
            if line.strip() and not line.lstrip().startswith("#")
        ]
        assert len(code) <= 25, file


def test_two_builds_of_the_same_input_give_equal_marts(demo_build, demo_data, tmp_path):
    """Every published table, row by row; the second warehouse makes its features in parts."""
    again = run_dbt(
        "build",
        folder=tmp_path / "again",
        raw_data=demo_data,
        variables={"rows_at_once": 100},
        lean=False,
        alone=True,
    )
    assert again.returncode == 0, again.output[-3000:]
    with duckdb.connect() as connection:
        connection.execute(f"attach '{demo_build.database}' as first (read_only)")
        connection.execute(f"attach '{again.database}' as second (read_only)")
        marts = [
            row[0]
            for row in connection.sql(
                "select table_name from duckdb_tables() where database_name = 'first' "
                "and schema_name = 'marts' order by all"
            ).fetchall()
        ]
        assert "customer_segments" in marts
        for mart in marts:
            differences = connection.sql(
                f"(from first.marts.{mart} except all from second.marts.{mart}) union all "
                f"(from second.marts.{mart} except all from first.marts.{mart})"
            ).fetchall()
            assert differences == [], mart
