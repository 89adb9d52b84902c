import json
from datetime import date
from io import StringIO
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from _made_up_models import model_marts
from _made_up_publication import write_marts
from rich.console import Console

from python_ext.errors import SegmentationError
from python_ext.summary import summary, warnings
from python_ext.truth import compare_with_truth, main_person, pair_quality

MARTS = """
create schema marts;
create table marts.about as select
    'mine' as dataset, 'My shop' as dataset_title, true as is_synthetic,
    'EUR' as base_currency, date '2024-06-01' as as_of_date, 2 as k_anonymity;
create table marts.customers as
select 'c' || n as customer_key, n > 1 as may_be_profiled from range(1, 11) as numbers(n);
create table marts.audiences as select * from (values
    ('Newsletter', 'email_marketing', 1200, 300), ('Win back', 'ad_targeting', null, null),
    ('Premium', 'email_marketing', 98, null)
) as rows(name_en, purpose, members, withheld_for_consent);
create table marts.quality_audit as select * from (values
    ('shop', 'orders', 'status', 'distribution', 'moderate', 'PSI 0.2 (moderate)'),
    ('web', 'events', 'device', 'null_share', 'major', '0 before and 0.5 now (major)'),
    ('web', 'events', 'device', 'table_rows', 'stable', 'as in the last load')
) as rows(source_name, table_name, column_name, measure, verdict, finding);
create table marts.customer_rfm as
select
    'c' || n as customer_key,
    case when n < 8 then n else 0 end as frequency,
    case when n between 1 and 7 then 100.0 * n else 0.0 end as monetary,
    case when n between 1 and 7 then 1 + n % 5 end as r_score,
    case when n between 1 and 7 then 3 end as f_score,
    case when n between 1 and 7 then 1 + n % 5 end as m_score,
    case when n between 1 and 2 then 'Lost' when n < 8 then 'Champions' else 'Prospect' end
        as rfm_segment
from range(1, 11) as numbers(n);
create table marts.customer_segments as
select
    customer_key,
    case when frequency = 0 then 0 when frequency < 4 then 1 else 2 end as segment_id,
    case when frequency = 0 then 'Prospect' when frequency < 4 then 'Casual' else 'Regulars' end
        as segment
from marts.customer_rfm;
create table marts.segments as select * from (values
    ('all', 1, true), ('all', 2, true), ('taste', 1, false)
) as rows(segment_view, segment_id, is_main_view);
create table marts.segment_quality as select * from (values
    ('all', date '2024-05-01', 'ward', 3, 'fitted', 'none was stored', 0.70, true),
    ('all', date '2024-06-01', 'kmeans', 2, 'kept', 'nothing asks for a new fit', 0.81, true),
    ('all', date '2024-06-01', 'kmeans', 9, 'kept', 'nothing asks for a new fit', 0.11, false),
    ('taste', date '2024-06-01', 'kmeans', 4, 'fitted', 'none was stored', 0.90, true)
) as rows(
    segment_view, as_of_date, algorithm, k, decision, decision_reason, stability_min, is_chosen
);
create table marts.customer_engagement as
select customer_key, cast(10 * frequency as double) as engagement_score from marts.customer_rfm;
create table marts.customer_scores as
select customer_key, target, frequency / 10.0 as probability
from marts.customer_rfm, (values ('purchase'), ('churn')) as targets(target)
where frequency > 0;
create table marts.load_reconciliation as
select * from (values
    ('shop', 'orders', 1000, 990, 10, true), ('web', 'events', 0, 0, 0, false)
) as rows(source_name, table_name, rows_in, rows_kept, rows_set_aside, is_switched_on);
create table marts.quality_findings as select * from (values
    ('shop', 'orders', 'The date lies in the future', 'blocking', 7),
    ('shop', 'orders', 'The row has no key', 'blocking', 3),
    ('shop', 'orders', 'The discount is negative', 'warning', 4),
    ('shop', 'orders', 'The channel is unknown', 'warning', 0)
) as rows(source_name, table_name, reason, severity, rows_affected);
"""


@pytest.fixture
def published(tmp_path):
    folder = tmp_path / "publish"
    folder.mkdir()
    with duckdb.connect(str(folder / "segments.duckdb")) as connection:
        connection.execute(MARTS)
        models = model_marts(np.random.default_rng(1))
        del models["customer_scores"]
        write_marts(connection, models)
    return folder / "segments.duckdb"


def printed(published, **options):
    console = Console(file=StringIO(), width=120)
    summary(published, console=console, **options)
    return console.file.getvalue()


def row(text, *cells):
    """The one line that holds all cells."""
    lines = [line for line in text.splitlines() if all(cell in line for cell in cells)]
    assert len(lines) == 1, (cells, lines)
    return lines[0].split()


def test_headline_says_what_the_data_are(published):
    text = printed(published)
    assert "My shop" in text and "SYNTHETIC DATA" in text
    assert "As of 2024-06-01: 10 customers, 7 with a purchase, net revenue 2,800 EUR" in text


def test_real_data_are_not_labelled_synthetic(published):
    with duckdb.connect(str(published)) as connection:
        connection.execute("update marts.about set is_synthetic = false")
    assert "SYNTHETIC" not in printed(published)


def test_segments_have_share_revenue_propensity_and_engagement(published):
    text = printed(published)
    assert row(text, "Regulars")[1:] == ["4", "40.0%", "78.6%", "55.0%", "55.0"]
    assert row(text, "Casual")[1:] == ["3", "30.0%", "21.4%", "20.0%", "20.0"]
    assert row(text, "Prospect", " 0.0%")[1:] == ["3", "30.0%", "0.0%", "-", "0.0"]
    assert text.index("Regulars") < text.index("Casual") < text.index("Prospect")


def test_it_is_told_how_the_segments_came_about(published):
    text = " ".join(printed(published).split())
    assert "View all: 2 segments by kmeans, kept (nothing asks for a new fit)." in text
    assert (
        "The least stable recurs with Jaccard 0.81. Segments of the other views: taste 4." in text
    )
    with duckdb.connect(str(published)) as connection:
        connection.execute("update marts.segment_quality set algorithm = 'rfm'")
    text = " ".join(printed(published).split())
    assert "No stable segmentation was found: the RFM segments stand in." in text


def test_rfm_segments_have_a_bar_of_their_size(published):
    text = printed(published)
    champions, lost = row(text, "Champions"), row(text, "Lost")
    assert (champions[1:3], lost[1:3]) == (["5", "50.0%"], ["2", "20.0%"])
    assert (len(champions[3]), len(lost[3])) == (30, 12)


def test_rows_set_aside_are_told_by_source_and_reason(published):
    text = printed(published)
    assert "Set aside: 10 of 1,000 rows (1.00%)" in text
    assert row(text, "shop.orders", "The date lies in the future")[-1] == "7"
    assert row(text, "shop.orders", "The row has no key")[-1] == "3"
    aside = next(line for line in text.splitlines() if "The row has no key" in line)
    flagged = next(line for line in text.splitlines() if "The discount is negative" in line)
    assert flagged.rstrip().endswith("4") and len(flagged.rstrip()) > len(aside.rstrip())
    assert "The channel is unknown" not in text


def test_audiences_are_told_with_whom_consent_kept_out(published):
    text = printed(published)
    assert row(text, "Newsletter")[1:] == ["email", "marketing", "1,200", "300"]
    assert row(text, "Win back")[-3:] == ["too", "few", "-"]
    assert row(text, "Premium")[-4:] == ["about", "98", "under", "2"]


def test_a_group_under_the_floor_is_not_counted(published):
    with duckdb.connect(str(published)) as connection:
        connection.execute("update marts.about set k_anonymity = 4")
    text = printed(published)
    assert row(text, "Casual")[1:] == ["under", "4", "-", "-", "-", "-"]
    assert row(text, "Regulars")[1:3] == ["not", "told"]
    assert row(text, "Lost")[1:] == ["under", "4", "-"]
    # Less the prospects it would tell of them.
    assert "10 customers, net revenue" in text and "with a purchase" not in text


def test_one_small_group_does_not_stand_hidden_alone(published):
    """The others and the whole would give it away."""
    with duckdb.connect(str(published)) as connection:
        connection.execute("update marts.about set k_anonymity = 3")
    text = printed(published)
    assert row(text, "Lost")[1:] == ["under", "3", "-"]
    # Not the prospects, whom the table of segments tells: less these and the buyers it is found.
    assert row(text, "Champions")[1:] == ["not", "told", "-"]
    assert text.count("Prospect") == 2 and text.count("not told") == 1
    assert row(text, "Regulars")[1] == "4" and row(text, "Casual")[1] == "3"


def test_a_small_segment_and_one_beside_it_hide_another_segment(published):
    with duckdb.connect(str(published)) as connection:
        connection.execute("update marts.about set k_anonymity = 3")
        connection.execute("delete from marts.customer_segments where customer_key = 'c1'")
    text = printed(published)
    assert row(text, "Casual")[1:] == ["under", "3", "-", "-", "-", "-"]
    assert row(text, "Regulars")[1:] == ["not", "told", "-", "-", "-", "-"]


def changed(published, *statements):
    with duckdb.connect(str(published)) as connection:
        for statement in statements:
            connection.execute(statement)
    return " ".join(printed(published).split())


def test_scores_are_told_out_of_time_beside_recency_alone(published):
    text = printed(published)
    assert row(text, "purchase", "gradient_boosting") == [
        *("purchase", "gradient_boosting", "0.876", "0.861", "to", "0.890", "0.812", "3.2", "kept")
    ]
    churn = row(text, "churn", "logistic_regression")
    assert churn[2:] == ["0.703", "0.654", "to", "0.750", "0.688", "1.8", "challenger", "refused"]
    assert "0.901" not in text and "0.710" not in text  # a random split, a challenger


def test_a_score_without_a_model_is_told_without_figures(published):
    text = printed(published)
    repeat = row(text, "repeat", "prevalence (no model)")
    assert repeat[4:] == ["-", "-", "-", "-", "trained"]
    assert row(text, "email_click", "none")[1:] == ["none", "-", "-", "-", "-", "-"]
    assert "none: no target is active" in changed(published, "delete from marts.model_targets")


def test_the_value_of_customers_is_told_with_who_gives_it(published):
    text = " ".join(printed(published).split())
    assert (
        "Customer value: 2,500 EUR of net revenue expected in the horizon from 200 customers, by "
        "two_stage_boosting." in text
    )
    assert "Customer value" not in changed(published, "delete from marts.value_models")


def test_models_warn_of_decay_drift_calibration_and_groups(published):
    text = " ".join(printed(published).split())
    assert "! Decayed: the auc of churn. See marts.model_decay." in text
    # Two scores use the feature; what nobody uses, and what is moderate, is no warning.
    assert text.count("Major drift: sessions_90d moved. Used by churn, purchase.") == 1
    assert "never_used" not in text and "score:churn" not in text
    assert "The probabilities of churn did not come true in 1 of 10 ranges" in text
    assert "The score churn serves some groups notably worse: Gift buyers (segment)." in text
    assert "probabilities of purchase" not in text and "score purchase serves" not in text


def test_quiet_models_do_not_warn(published):
    text = changed(
        published,
        "update marts.model_decay set is_alarm = false",
        "update marts.feature_drift set alarm = 'none'",
        "update marts.model_reliability set is_off = false",
        "update marts.model_groups set is_ranked_worse = false",
    )
    for told in ("Decayed", "Major drift", "did not come true", "notably worse"):
        assert told not in text


def test_many_drifts_are_counted(published):
    text = changed(
        published,
        "insert into marts.feature_drift select * exclude (n) replace ('recency_days' as feature, "
        "finding || cast(n as varchar) as finding) from marts.feature_drift "
        "cross join (select unnest(range(5)) as n) where feature = 'sessions_90d'",
    )
    assert text.count("Major drift: ") == 3 and "3 more major drifts" in text


def test_warnings_name_what_is_off_and_scores_nobody_has(published):
    with duckdb.connect(str(published), read_only=True) as connection:
        found = warnings(connection)
    assert len(found) == 5
    assert "web.events" in found[0]
    assert found[1].startswith("Not profiled, for want of consent: under 2 customers")
    assert found[2] == "Since the last load, web.events.device 0 before and 0.5 now (major)."
    assert found[3] == "Since the last load, shop.orders.status PSI 0.2 (moderate)."
    assert found[4].startswith("Frequency") and "1, 2, 4, 5" in found[4]


def test_where_to_look_next(published, monkeypatch):
    monkeypatch.chdir(published.parents[1])
    text = printed(Path("publish/segments.duckdb"))
    assert "target/static_index.html" in text and "make docs" in text
    assert row(text, "publish/segments.duckdb") and row(text, "publish/parquet/")


def test_missing_or_foreign_file_is_told(tmp_path):
    with pytest.raises(SegmentationError, match="nothing has been published"):
        printed(tmp_path / "segments.duckdb")
    duckdb.connect(str(tmp_path / "other.duckdb")).close()
    with pytest.raises(SegmentationError, match="cannot be read"):
        printed(tmp_path / "other.duckdb")


def test_pairs_are_judged_by_precision_recall_and_f1():
    # Found {1, 2, 3}, {4}; true {1, 2}, {3, 4}: 3 pairs found, 2 true, 1 in both.
    precision, recall, f1 = pair_quality(pd.Series(list("aaab")), pd.Series(list("xxyy")))
    assert (precision, recall, f1) == (pytest.approx(1 / 3), 0.5, pytest.approx(0.4))
    assert pair_quality(pd.Series(list("abc")), pd.Series(list("xyz")))[0] != 0
    assert np.isnan(pair_quality(pd.Series(list("abc")), pd.Series(list("xyz")))).all()


def test_customer_is_the_person_of_most_records():
    matched = pd.DataFrame(
        {
            "customer_key": ["a", "a", "a", "b", "b"],
            "person_id": ["p2", "p1", "p2", "p9", "p8"],
        }
    )
    assert main_person(matched).to_dict() == {"a": "p2", "b": "p8"}


@pytest.fixture
def truth(tmp_path):
    """Seven buyers, one record each, of two types; the season is flat."""
    folder = tmp_path / "_truth"
    folder.mkdir()
    numbers = range(1, 8)
    pd.DataFrame(
        {
            "person_id": [f"p{n}" for n in numbers],
            "type": ["rare" if n < 4 else "keen" for n in numbers],
            "is_prospect": False,
            "joined_on": date(2023, 1, 1),
            "died_on": [None if n != 7 else date(2023, 6, 1) for n in numbers],
            "purchase_rate": [0.001 * n for n in numbers],
            "active_months": None,
        }
    ).astype({"active_months": "string"}).to_parquet(folder / "people.parquet")
    pd.DataFrame(
        {
            "record_id": [f"id:{n}" for n in (*numbers, 99)],
            "person_id": [f"p{n}" for n in (*numbers, 1)],
        }
    ).to_parquet(folder / "records.parquet")
    pd.DataFrame({"month": range(1, 13), "factor": 1.0}).to_parquet(folder / "seasonality.parquet")
    (folder / "parameters.json").write_text(json.dumps({"end_on": "2025-12-31"}))
    return folder


@pytest.fixture
def database(tmp_path):
    """Scores that rank the buyers 4 to 6 right, but person 7, who is gone, too high.

    Persons 4 to 6 bought every month; the others did so a year ago and have been silent since.
    """
    with duckdb.connect(str(tmp_path / "house.duckdb")) as connection:
        connection.execute(
            """
            create schema ml;
            create schema intermediate;
            create schema staging;
            create table ml.ml_customer_identities as
            select 'id:' || n as record_id, 'c' || n as customer_key
            from range(1, 8) as numbers(n)
            union all select 'id:99', 'c2';
            create table ml.ml_propensity_scores as
            select 'c' || n as customer_key, target, cutoff_name, n / 10.0 as probability
            from range(1, 8) as numbers(n),
                (values ('purchase'), ('churn')) as targets(target),
                (values ('test'), ('score')) as cutoffs(cutoff_name);
            create table intermediate.int_customer_labels as
            select customer_key, cutoff_name, target,
                case when cutoff_name = 'test' then customer_key in ('c4', 'c5', 'c6') end as label
            from ml.ml_propensity_scores;
            create table intermediate.int_cutoffs as
            select 'test' as cutoff_name, date '2024-03-01' as cutoff_on,
                date '2024-05-30' as label_ends_on;
            create table intermediate.int_order_days as
            select 'c' || n as customer_key, true as is_purchase_day,
                cast(case when n between 4 and 6 then date '2023-06-03' else date '2023-01-03' end
                    + to_months(cast(step as integer)) as date) as ordered_on
            from range(1, 8) as numbers(n), range(0, 9) as steps(step)
            where n between 4 and 6 or step < 3;
            create table intermediate.int_orders_netted as
            select customer_key, true as is_purchase, cast(ordered_on as timestamp) as ordered_at,
                0.0 as discount_revenue, 0.0 as returned_revenue, 'store' as channel
            from intermediate.int_order_days;
            create table intermediate.int_order_lines_netted as
            select customer_key, true as is_sale, ordered_at, 'fashion' as category
            from intermediate.int_orders_netted;
            create table intermediate.int_customers_merged as
            select distinct customer_key, timestamp '2023-01-03' as first_recorded_at,
                null::date as birth_on, 'f' as gender
            from intermediate.int_order_days;
            create table intermediate.int_consents_over_time (customer_key varchar,
                purpose varchar, is_granted boolean, valid_from timestamp, valid_to timestamp);
            create table intermediate.int_web_sessions (customer_key varchar,
                started_at timestamp, known_at timestamp, has_conversion boolean,
                utm_source varchar);
            create table intermediate.int_email_contacts (customer_key varchar,
                delivered_at timestamp, opened_at timestamp);
            create table staging.stg_email__campaigns (sent_at timestamp,
                rejection_reason varchar);
            """
        )
    return tmp_path / "house.duckdb"


def test_truth_is_compared_on_the_same_customers(published, database, truth):
    report = compare_with_truth(published, database, truth)
    figures = {measure.question: measure for measure in report.measures}
    everybody = figures["Segments and true types, adjusted Rand, all"]
    often = figures["Segments and true types, adjusted Rand, 3+ purchase days"]
    assert everybody.found == 1.0 and "7 segmented" in everybody.basis
    assert often.found == 1.0 and "5 segmented" in often.basis
    propensity = figures["Purchase propensity, AUC out of time"]
    # Of 12 pairs of a buyer and another the score ranks 9 right, their history all.
    assert (propensity.found, propensity.ceiling) == (0.75, 1.0)
    churn = figures["Churn propensity, AUC out of time"]
    # Churn was given the same scores and labels: what history says is the contrary.
    assert (churn.found, churn.ceiling) == (0.75, 0.0)
    all_knowing = figures["Purchase propensity, AUC of who knows all"]
    assert all_knowing.found is None and all_knowing.ceiling == 1.0
    # One customer in each of the groups: the error is the mean distance of score and label.
    calibration = figures["Purchase propensity, calibration error"]
    label, probability = np.isin(range(1, 8), (4, 5, 6)), np.arange(1, 8) / 10
    assert calibration.found == pytest.approx(np.abs(label - probability).mean())
    assert 0.1 < calibration.ceiling < 0.5
    assert "7 customers, 2024-03-01 to 2024-05-30, 43% bought" in propensity.basis
    # Record 99 of person 1 was given to customer 2: one pair found, another true.
    assert figures["Identity, precision of record pairs"].found == 0.0
    assert figures["Identity, recall of record pairs"].found == 0.0
    confusion = report.confusion
    assert confusion.loc["keen", "Regulars"] == 4 and confusion.loc["rare", "Casual"] == 3
    assert confusion.to_numpy().sum() == 7


def test_segments_unlike_the_types_agree_by_chance_only(published, database, truth):
    with duckdb.connect(str(published)) as connection:
        connection.execute(
            "update marts.customer_segments set segment_id = 1 + (substr(customer_key, 2)::int % 2)"
        )
    found = compare_with_truth(published, database, truth).measures[0].found
    assert found < 0.2


def test_truth_is_printed_beside_the_summary(published, database, truth):
    text = printed(published, truth=truth, database=database)
    assert row(text, "Purchase propensity, AUC out of time")[6:8] == ["0.750", "1.000"]
    assert row(text, "keen") == ["keen", "0", "4"]
    assert "Against the known truth" not in printed(published)


def test_truth_needs_its_files(published, database, tmp_path):
    with pytest.raises(SegmentationError, match=r"no .*people\.parquet"):
        printed(published, truth=tmp_path / "none", database=database)
    with pytest.raises(SegmentationError, match="needs the warehouse"):
        printed(published, truth=tmp_path / "none")
