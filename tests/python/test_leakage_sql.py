"""No feature and no label sees what lies ahead: the future is cut off, and leaks are planted."""

import json
import shutil

import duckdb
import pytest
from test_data_tests_bite import failures, turned_red

# What measures the features of a cutoff, in the order of the models.
MEASURED = [
    "int_web_visits",
    "int_email_responses",
    "int_web_sessions",
    "int_email_contacts",
    "int_mentions_linked",
    "int_activity_days",
    "int_purchases_measured",
    "int_trends_measured",
    "int_rhythm_measured",
    "int_seasons_measured",
    "int_taste_measured",
    "int_web_use_measured",
    "int_email_response_measured",
    "int_attention_measured",
    "int_care_measured",
    "int_mentions_measured",
    "int_registrations_measured",
    "int_engagement_measured",
    "int_customer_features",
]

# The time at which each relation that feeds them knows a row.
KNOWN_AT = {
    "intermediate.int_order_days": "last_ordered_at",
    "intermediate.int_order_lines_netted": "ordered_at",
    "staging.stg_web__events": "event_at",
    "staging.stg_email__events": "event_at",
    "staging.stg_crm__support_tickets": "opened_at",
    "staging.stg_survey__responses": "answered_at",
    "staging.stg_social__mentions": "mentioned_at",
    "staging.stg_crm__customers": "created_at",
}

LEAKS = {
    # A feature computed after the cutoff, source by source.
    **{
        f"of {model}": (
            "every_source_ends_before_the_cutoff",
            f"update {schema}.{model} as measured set last_event_at = "
            "(select cast(cutoff_on as timestamp) from intermediate.int_cutoffs as cutoffs "
            "where cutoffs.cutoff_name = measured.cutoff_name) where customer_key = "
            f"(select min(customer_key) from {schema}.{model})",
        )
        for schema, model in [
            ("intermediate", "int_purchases_measured"),
            ("intermediate", "int_trends_measured"),
            ("intermediate", "int_rhythm_measured"),
            ("intermediate", "int_seasons_measured"),
            ("intermediate", "int_taste_measured"),
            ("intermediate", "int_web_use_measured"),
            ("intermediate", "int_email_response_measured"),
            ("intermediate", "int_attention_measured"),
            ("intermediate", "int_care_measured"),
            ("intermediate", "int_mentions_measured"),
            ("intermediate", "int_registrations_measured"),
            ("intermediate", "int_engagement_measured"),
            ("intermediate", "int_lifetimes_measured"),
            ("ml", "ml_customer_lifetimes"),
        ]
    },
    "of all features": (
        "features_end_before_their_cutoff",
        "update intermediate.int_customer_features set last_event_at = cutoff_on "
        "where customer_key = (select min(customer_key) from intermediate.int_customer_features)",
    ),
    "label windows that overlap": (
        "label_windows_do_not_overlap",
        "update intermediate.int_customer_labels set label_ends_on = label_ends_on + 1 "
        "where cutoff_name = 'train_1' and target = 'repeat'",
    ),
    "a training window that closes after the test cutoff": (
        "training_labels_close_before_the_test",
        "update intermediate.int_customer_labels set label_ends_on = (select cutoff_on + 1 "
        "from intermediate.int_cutoffs where cutoff_name = 'test') where target = 'email_click' "
        "and split = 'train'",
    ),
    "an answer of an open window": (
        "labels_wait_for_their_window",
        "update intermediate.int_customer_labels set label = false where split = 'score' "
        "and target = 'high_value'",
    ),
    "a lost answer": (
        "labels_wait_for_their_window",
        "update intermediate.int_customer_labels set label = null where split = 'test' "
        "and customer_key = (select min(customer_key) from intermediate.int_customer_labels "
        "where split = 'test')",
    ),
    "an event of before the cutoff": (
        "labels_start_at_their_cutoff",
        "update intermediate.int_customer_labels set first_event_on = cutoff_on - 1 "
        "where first_event_on is not null and target = 'category_purchase'",
    ),
    "an event of after the window": (
        "labels_start_at_their_cutoff",
        "update intermediate.int_customer_labels set first_event_on = label_ends_on "
        "where first_event_on is not null and target = 'category_purchase'",
    ),
    "the channel of a record made later": (
        "no_score_looks_ahead_through_a_record",
        "update staging.stg_crm__customers set created_at = timestamp '2999-01-01' "
        "where acquisition_channel is not null",
    ),
    "a channel that no record had": (
        "no_score_looks_ahead_through_a_record",
        "update intermediate.int_customer_features set acquisition_channel = 'from the future' "
        "where acquisition_channel is not null",
    ),
    "an area of the address of today": (
        "no_score_looks_ahead_through_a_record",
        "update reference.feature_definitions set in_propensity = true "
        "where feature = 'unemployment_rate'",
    ),
}


@pytest.fixture(scope="module")
def nodes(demo_build) -> dict:
    manifest = json.loads((demo_build.target / "manifest.json").read_text())
    return {node["name"]: node for node in manifest["nodes"].values()}


@pytest.fixture(scope="module")
def warehouse(demo_build, tmp_path_factory) -> duckdb.DuckDBPyConnection:
    """A copy of the warehouse to break, under its own name, since compiled SQL names it."""
    copy = tmp_path_factory.mktemp("leaking") / demo_build.database.name
    shutil.copyfile(demo_build.database, copy)
    connection = duckdb.connect(str(copy))
    yield connection
    connection.close()


@pytest.mark.parametrize("leak", LEAKS)
def test_a_planted_leak_is_caught_by_name(leak, nodes, warehouse):
    name, statement = LEAKS[leak]
    assert turned_red(warehouse, nodes[name], statement)


def features(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Columns of the feature table, but for the gate, which is that of today."""
    columns = connection.sql("describe intermediate.int_customer_features").fetchall()
    return [name for name, *_ in columns if name != "may_be_profiled"]


def test_the_future_changes_no_feature(nodes, demo_build, tmp_path):
    """Features at the test cutoff stay the same to the digit when all that follows is deleted.

    No build: the compiled SQL of the build runs again over a copy of its warehouse.
    """
    copy = tmp_path / demo_build.database.name
    shutil.copyfile(demo_build.database, copy)
    with duckdb.connect(str(copy)) as connection:
        columns = ", ".join(features(connection))
        seen = f"select {columns} from intermediate.int_customer_features where cutoff_name in "
        past = "(select cutoff_name from intermediate.int_cutoffs where split <> 'score')"
        connection.execute(f"create table kept as {seen}{past}")
        (cutoff,) = connection.execute(
            "select cutoff_on from intermediate.int_cutoffs where cutoff_name = 'test'"
        ).fetchone()
        deleted = {
            relation: connection.execute(
                f"delete from {relation} where {column} >= cast(? as date)", [cutoff]
            ).fetchone()[0]
            for relation, column in KNOWN_AT.items()
        }
        # What is known of a ticket later than its opening.
        connection.execute(
            "update staging.stg_crm__support_tickets set closed_at = null, satisfaction = null "
            "where closed_at >= cast(? as date)",
            [cutoff],
        )
        assert all(count > 0 for count in deleted.values()), deleted
        for name in MEASURED:
            schema = nodes[name]["schema"]
            connection.execute(
                f"create or replace table {schema}.{name} as {nodes[name]['compiled_code']}"
            )
        differing = {
            column: connection.sql(
                "select count(*) from kept full join (select * from "
                "intermediate.int_customer_features where cutoff_name in (select cutoff_name from "
                "intermediate.int_cutoffs where split <> 'score')) as again "
                "using (customer_key, cutoff_name) "
                f"where kept.{column} is distinct from again.{column}"
            ).fetchone()[0]
            for column in features(connection)
            if column not in ("customer_key", "cutoff_name")
        }
        rows = connection.sql("select count(*) from kept").fetchone()[0]
    assert rows > 500
    assert {column: count for column, count in differing.items() if count} == {}


def test_every_measured_source_is_checked(nodes):
    """A new model of features must be named in the test of all sources."""
    checked = set(nodes["every_source_ends_before_the_cutoff"]["depends_on"]["nodes"])
    feature_model = nodes["int_customer_features"]["depends_on"]["nodes"]
    measured = {
        parent for parent in feature_model if parent.endswith("_measured") or ".ml_" in parent
    }
    assert measured <= checked and len(measured) > 10


def test_leaks_are_planted_in_a_clean_warehouse(nodes, warehouse):
    names = {name for name, _ in LEAKS.values()}
    assert {name: failures(warehouse, nodes[name]) for name in names} == dict.fromkeys(names, 0)
