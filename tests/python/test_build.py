"""What a real build of the demo gives, against the planted truth."""

from pathlib import Path

import duckdb
import pandas as pd
import pytest
from conftest import run_dbt

from python_ext import clustering, identity, propensity

SCHEMAS = {
    "ml_customer_identities": identity.SCHEMA,
    "ml_segment_models": clustering.MODELS_SCHEMA,
    "ml_customer_clusters": clustering.CLUSTERS_SCHEMA,
    "ml_segment_profiles": clustering.PROFILES_SCHEMA,
    "ml_segment_names": clustering.NAMES_SCHEMA,
    "ml_propensity_models": propensity.MODELS_SCHEMA,
    "ml_propensity_scores": propensity.SCORES_SCHEMA,
    "ml_propensity_metrics": propensity.METRICS_SCHEMA,
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
}
FLAGGED = {
    "broken_email": "is_email_broken",
    "unknown_country": "is_country_unknown",
    "future_birth_date": "is_birth_date_in_future",
    "unreadable_birth_date": "is_birth_date_unreadable",
    "unreadable_created_at": "is_created_at_unreadable",
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
    found = demo_build.rows(
        f"select count(*) from staging.stg_crm__customers where {FLAGGED[defect]}"
        " and rejection_reason is null"
    )
    assert found == [(planted[defect],)]


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
    """Every published table, row by row, from a second warehouse."""
    again = run_dbt(
        "build",
        "--exclude-resource-type=test",
        "--exclude-resource-type=unit_test",
        folder=tmp_path / "again",
        raw_data=demo_data,
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


def test_a_mart_never_holds_a_readable_identity(demo_build):
    """No text of a mart looks like an e-mail address or a phone number."""
    columns = demo_build.rows(
        "select table_name, column_name from information_schema.columns "
        "where table_schema = 'marts' and data_type = 'VARCHAR'"
    )
    for table, column in columns:
        found = demo_build.rows(
            f"select count(*) from marts.{table} where regexp_matches({column}, "
            "'[^ ]+@[^ ]+[.][a-z]+|^[+]?[0-9 .]{10,}$')"
        )
        assert found == [(0,)], f"{table}.{column}"
