"""Every kind of data test turns red on a crafted row, and is green without it."""

import json
import shutil
from pathlib import Path

import duckdb
import jinja2
import pytest

# The statement that breaks the rule, by the name of the data test that must notice.
GENERIC = {
    "unique": (
        "unique_customers_customer_key",
        "insert into marts.customers select * from marts.customers limit 1",
    ),
    "not_null": (
        "not_null_customer_engagement_engagement_score",
        "update marts.customer_engagement set engagement_score = null where customer_key = "
        "(select min(customer_key) from marts.customer_engagement)",
    ),
    "never_null": (
        "never_null_customer_rfm",
        "update marts.customer_rfm set rfm_segment = null where customer_key = (select min("
        "customer_key) from marts.customer_rfm)",
    ),
    "accepted_values": (
        "accepted_values_customer_engagement_lifecycle",
        "update marts.customer_engagement set lifecycle = 'asleep' where customer_key = (select "
        "min(customer_key) from marts.customer_engagement)",
    ),
    "relationships": (
        "relationships_customer_scores_customer_key",
        "update marts.customer_scores set customer_key = 'nobody' where customer_key = (select "
        "min(customer_key) from marts.customer_scores)",
    ),
    "unique_combination": (
        "unique_combination_customer_scores",
        "insert into marts.customer_scores select * from marts.customer_scores limit 1",
    ),
    "accepted_range": (
        "accepted_range_customer_scores_probability",
        "update marts.customer_scores set probability = 1.5 where customer_key = (select "
        "min(customer_key) from marts.customer_scores)",
    ),
    "same_keys": (
        "same_keys_customer_rfm",
        "delete from marts.customer_rfm where customer_key = (select min(customer_key) from "
        "marts.customer_rfm)",
    ),
}

SINGULAR = {
    "no_feature_drifts": (
        "update marts.feature_drift set alarm = 'moderate' where feature = 'frequency'"
    ),
    "no_feature_drifts_much": (
        "update marts.feature_drift set alarm = 'major' where feature = 'frequency'"
    ),
    "no_champion_has_decayed": (
        "update marts.model_decay set is_alarm = true where target = 'purchase' and metric = 'auc'"
    ),
    "the_dendrogram_hangs_together": (
        "update ml.ml_segment_tree set height = 1000 where level = 'micro_segment'"
    ),
    "segments_are_nested": (
        "update ml.ml_customer_clusters set sub_segment_id = sub_segment_id + 1 where customer_key "
        "= (select min(customer_key) from ml.ml_customer_clusters where sub_segment_id is not null)"
    ),
    "nothing_moved_since_the_last_load": (
        "update marts.quality_audit set verdict = 'major' where column_name = 'unit_price' "
        "and measure = 'distribution'"
    ),
    "load_reconciliation_balances": (
        "update marts.load_reconciliation set rows_kept = rows_kept - 1 where table_name = 'orders'"
    ),
    "net_revenue_is_all_accounted_for": (
        "insert into intermediate.int_orders_netted select * from intermediate.int_orders_netted "
        "where net_revenue > 1 limit 1"
    ),
    "revenue_reaches_the_days": (
        "delete from intermediate.int_order_days where net_revenue = (select max(net_revenue) "
        "from intermediate.int_order_days)"
    ),
    "accepted_lines_are_all_netted": (
        "delete from intermediate.int_order_lines_netted where order_id = (select min(order_id) "
        "from intermediate.int_order_lines_netted)"
    ),
    "every_merged_column_has_a_rule": (
        "delete from reference.survivorship_rules where column_name = 'gender'"
    ),
    "accepted_links_join": (
        "update ml.ml_customer_identities set customer_key = 'another' "
        "where record_id = (select min(record_id_a) from ml.ml_identity_links where is_accepted)"
    ),
    "some_order_was_accepted": "update intermediate.int_as_of_date set as_of_date = null",
    "nobody_is_seen_after_the_as_of_date": (
        "update marts.customers set last_seen_on = date '2099-01-01' where is_guest_only"
    ),
    "every_eligible_customer_is_scored": (
        "delete from marts.customer_scores where customer_key = (select min(customer_key) from "
        "marts.customer_scores)"
    ),
    "drivers_add_up": (
        "update marts.customer_scores set driver_2_effect = driver_2_effect + 0.001 where "
        "customer_key = (select min(customer_key) from marts.customer_scores "
        "where driver_2_effect is not null)"
    ),
    "features_are_used_or_dropped_for_a_reason": (
        "update marts.model_features set dropped_because = null where not is_used"
    ),
    "features_end_before_their_cutoff": (
        "update intermediate.int_customer_features set last_event_at = cutoff_on "
        "where cutoff_name = 'train_1'"
    ),
    "labels_start_at_their_cutoff": (
        "update intermediate.int_customer_labels set first_event_on = cutoff_on - 1 "
        "where first_event_on is not null"
    ),
    "lifetimes_end_before_their_cutoff": (
        "update ml.ml_customer_lifetimes set last_event_at = cutoff_on "
        "where cutoff_name = 'train_1'"
    ),
    "value_outcomes_stay_in_their_horizon": (
        "update intermediate.int_value_outcomes set first_event_on = label_ends_on "
        "where first_event_on is not null"
    ),
    "each_run_has_one_champion_of_value": "update marts.value_models set is_champion = true",
    "value_tiers_reach_everybody": (
        "update reference.value_tiers set share_from_top = 0.99 where share_from_top = 1"
    ),
    "labels_wait_for_their_window": (
        "update intermediate.int_customer_labels set label = true where split = 'score'"
    ),
    "label_windows_do_not_overlap": (
        "update intermediate.int_customer_labels set label_ends_on = label_ends_on + 1 "
        "where split = 'train'"
    ),
    "training_labels_close_before_the_test": (
        "update intermediate.int_customer_labels set label_ends_on = label_ends_on + 1 "
        "where cutoff_name = 'train_1' and target = 'churn'"
    ),
    "every_source_ends_before_the_cutoff": (
        "update intermediate.int_web_use_measured set last_event_at = timestamp '2999-01-01'"
    ),
    "no_score_looks_ahead_through_a_record": (
        "update reference.feature_definitions set in_propensity = true "
        "where feature = 'median_income'"
    ),
    "targets_say_what_they_mean": (
        "update reference.propensity_targets set eligibility = 'anybody' where target = 'churn'"
    ),
    "retail_periods_do_not_overlap": (
        "update reference.retail_periods set ends_month = 9 where period = 'summer_sales'"
    ),
    "training_ends_before_the_test": (
        "update intermediate.int_cutoffs set label_ends_on = label_ends_on + 1 "
        "where cutoff_name = 'train_1'"
    ),
    "a_newer_purchase_never_scores_lower": (
        "update marts.customer_rfm set r_score = 6 - r_score where r_score is not null"
    ),
    "rfm_scores_use_all_five": "update marts.customer_rfm set f_score = 4 where f_score = 5",
    "every_rfm_code_is_named_once": "delete from reference.rfm_segments where rfm_code = '333'",
    "segment_shares_sum_to_one": (
        "delete from marts.segment_profiles where segment_id = 1 and feature = 'frequency'"
    ),
    "history_ends_in_the_present_segment": (
        "delete from marts.segment_history where customer_key = (select min(customer_key) from "
        "marts.segment_history)"
    ),
    "migrations_add_up": (
        "update marts.segment_migrations set share = share / 2 where from_segment_id = 1"
    ),
    "buyers_have_a_segment": (
        "update marts.customer_segments set segment_id = 0 where segment_id = 1"
    ),
    "nobody_is_profiled_against_their_will": (
        "insert into staging.stg_crm__consents (consent_event_id, occurrence, customer_id, "
        "purpose, status, recorded_at) select 'planted', 1, substr(min(record_id), 4), "
        "'profiling', 'withdrawn', timestamp '2999-01-01' from ml.ml_customer_identities "
        "where record_id like 'id:%' and customer_key in (select customer_key from "
        "marts.customer_scores)"
    ),
    "nobody_is_mailed_without_consent": (
        "insert into staging.stg_email__events (event_id, occurrence, customer_id, event_name, "
        "event_at) select 'planted', 1, substr(min(record_id), 4), 'unsubscribe', "
        "timestamp '2999-01-01' from ml.ml_customer_identities where record_id like 'id:%' and "
        "customer_key in (select customer_key from marts.audience_members "
        "where audience = 'newsletter')"
    ),
    "consent_periods_follow_each_other": (
        "update intermediate.int_consents_over_time set valid_to = valid_from "
        "where valid_to is null"
    ),
    "audience_rules_name_what_exists": (
        "update reference.audience_rules set rfm_segment = 'Champion' "
        "where rfm_segment = 'Champions'"
    ),
    "loadings_add_up_to_communalities": (
        "update marts.segment_loadings set loading = -loading / 2 where factor = 1"
    ),
    "no_loading_is_of_a_handful": "update ml.ml_segment_loadings set customers = 9",
    "audience_rules_name_segments_that_exist": (
        "insert into reference.audience_rules (audience, rule_number, taste_segment) "
        "values ('newsletter', 99, 'Beauty fan')"
    ),
    "no_published_group_is_under_the_floor": (
        "update ml.ml_segment_profiles set customers = 9 where segment_id = 1"
    ),
    "one_number_of_segments_is_chosen": "update marts.segment_quality set is_chosen = true",
    "champions_are_calibrated": (
        "update marts.model_reliability set is_off = true where target = 'purchase' and bin = 1"
    ),
    "no_group_is_served_notably_worse": (
        "update marts.model_groups set is_found_less = true where target = 'purchase' "
        "and attribute = 'gender'"
    ),
    "judgements_add_up": (
        "update ml.ml_propensity_groups set customers = customers + 1 where attribute = 'all'"
    ),
    "every_champion_is_judged": "delete from marts.model_reliability where target = 'purchase'",
    "no_judgement_is_of_a_handful": (
        "update ml.ml_propensity_groups set customers = 9 where attribute = 'gender'"
    ),
    "each_active_target_has_one_champion": (
        "update marts.model_registry set is_champion = true where target = 'purchase'"
    ),
    "champions_are_what_was_stored": (
        "update ml.ml_propensity_models set artefact = 'other bytes'::blob where is_champion"
    ),
    "champions_are_not_worse_than_recency_alone": (
        "update marts.model_metrics set ci_high = -0.001 "
        "where is_champion and metric = 'gain_over_recency_alone'"
    ),
    "each_target_has_one_champion": (
        "update marts.model_metrics set is_champion = false where target = 'purchase'"
    ),
}

# Warnings that a small demo may have to begin with: what is done first, so that they start green.
CLEARED = {
    "no_feature_drifts": "update marts.feature_drift set alarm = 'none'",
    "no_feature_drifts_much": "update marts.feature_drift set alarm = 'none'",
    "champions_are_calibrated": "update marts.model_reliability set is_off = false",
    "no_group_is_served_notably_worse": (
        "update marts.model_groups set is_ranked_worse = false, is_miscalibrated = false, "
        "is_selected_less = false, is_found_less = false"
    ),
}


@pytest.fixture(scope="module")
def tests_of_build(demo_build) -> dict:
    """The data tests of the build, by unique name: compiled SQL and kind."""
    manifest = json.loads((demo_build.target / "manifest.json").read_text())
    return {
        node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "test"
    }


@pytest.fixture(scope="module")
def warehouse(demo_build, tmp_path_factory) -> duckdb.DuckDBPyConnection:
    """A copy of the warehouse to break, under its own name, since compiled SQL names it."""
    copy = tmp_path_factory.mktemp("broken") / demo_build.database.name
    shutil.copyfile(demo_build.database, copy)
    connection = duckdb.connect(str(copy))
    yield connection
    connection.close()


def failures(connection: duckdb.DuckDBPyConnection, node: dict) -> int:
    return len(connection.execute(node["compiled_code"]).fetchall())


def turned_red(
    connection: duckdb.DuckDBPyConnection, node: dict, statement: str, first: str = "select 1"
) -> bool:
    """Whether the test passes as it is and fails after the statement, which is rolled back."""
    connection.execute("begin")
    try:
        connection.execute(first)
        before = failures(connection, node)
        connection.execute(statement)
        after = failures(connection, node)
    finally:
        connection.execute("rollback")
    return before == 0 and after > 0


@pytest.mark.parametrize("kind", GENERIC)
def test_a_crafted_row_turns_the_generic_test_red(kind, tests_of_build, warehouse):
    prefix, statement = GENERIC[kind]
    node = next(
        node
        for name, node in sorted(tests_of_build.items())
        if name.startswith(prefix) and node["test_metadata"]["name"] == kind
    )
    assert turned_red(warehouse, node, statement)


def test_a_table_with_nulls_says_in_which_columns(tests_of_build, warehouse):
    said, (prefix, statement) = [], GENERIC["never_null"]
    failed = next(n for name, n in sorted(tests_of_build.items()) if name.startswith(prefix))
    passed = {**failed, "name": "another"}
    macros = jinja2.Environment(extensions=["jinja2.ext.do"]).from_string(
        Path("macros/say_what_to_do.sql").read_text(),
        globals={
            "log": lambda message, info: said.append(message),
            "run_query": lambda sql: {"rows": warehouse.execute(sql).fetchall()},
        },
    )
    warehouse.execute("begin")
    try:
        warehouse.execute(statement)
        results = [{"status": "fail", "node": failed}, {"status": "pass", "node": passed}]
        macros.module.say_which_columns_are_null(results)
    finally:
        warehouse.execute("rollback")
    assert said == [f"{failed['name']}: rfm_segment is null in 1 rows"]


@pytest.mark.parametrize("name", SINGULAR)
def test_a_crafted_row_turns_the_singular_test_red(name, tests_of_build, warehouse):
    node = tests_of_build[name]
    if name == "rfm_scores_use_all_five":
        # A warning: a small demo may have unused scores to begin with, so all are put to use first.
        warehouse.execute("begin")
        try:
            for score in ("r_score", "f_score", "m_score"):
                warehouse.execute(
                    f"update marts.customer_rfm set {score} = 1 + hash(customer_key) % 5 "
                    f"where {score} is not null"
                )
            assert failures(warehouse, node) == 0
            warehouse.execute(SINGULAR[name])
            assert failures(warehouse, node) == 1
        finally:
            warehouse.execute("rollback")
    else:
        first = CLEARED.get(name, "select 1")
        assert turned_red(warehouse, node, SINGULAR[name], first)


def test_no_kind_of_data_test_is_left_out(tests_of_build):
    kinds = {
        (node.get("test_metadata") or {}).get("name") or node["name"]
        for node in tests_of_build.values()
    }
    assert kinds == set(GENERIC) | set(SINGULAR)


def test_every_singular_test_says_when_to_act():
    for file in Path("tests/singular").rglob("*.sql"):
        assert file.read_text().startswith("-- "), file
