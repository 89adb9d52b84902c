"""Drift between cutoffs and between builds: what is remembered, what is usual, what alarms."""

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from python_ext import drift, frames
from python_ext.features import Feature

SPEND = Feature("spend", "value", "log", "Spend", "Dépense")
SOURCE = Feature("source", "scores", "none", "Source", "Source", kind="category")
TODAY = date(2026, 7, 1)
HORIZON = 90
NAMES = ("score", "test", "train_1", "train_2", "train_3", "train_4")
NO_SCORES = pd.DataFrame(columns=["target", "cutoff_name", "probability", "model_id"])


def customers(levels, *, as_of=TODAY, rows=3000, seed=0, sources=None) -> pd.DataFrame:
    """Customers at each cutoff, today's first, whose spend has these means (of its logarithm)."""
    rng = np.random.default_rng(seed)
    parts = []
    for step, level in enumerate(levels):
        parts.append(
            pd.DataFrame(
                {
                    "cutoff_name": NAMES[step],
                    "cutoff_on": pd.Timestamp(as_of - timedelta(days=HORIZON * step)),
                    "spend": np.exp(rng.normal(level, 1, rows)),
                    "source": rng.choice(sources or ["search", "social"], rows),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def scored(level: float, *, model_id="m1", rows=3000, seed=0, before=0.0) -> pd.DataFrame:
    """Scores at the test and the score cutoff."""
    rng = np.random.default_rng(seed)
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "target": "purchase",
                    "cutoff_name": name,
                    "probability": 1 / (1 + np.exp(-rng.normal(mean, 1, rows))),
                    "model_id": model_id,
                }
            )
            for name, mean in (("test", before), ("score", level))
        ]
    )


def remember(frame, memory=None, *, scores=NO_SCORES, as_of=TODAY, **options) -> pd.DataFrame:
    """The memory after one more build, as the table would give it back."""
    rows = drift.remember_distributions(
        frame, [SPEND, SOURCE], scores, memory, as_of=as_of, **options
    )
    table = frames.typed_table(rows, drift.DISTRIBUTIONS_SCHEMA).to_pandas()
    if memory is None:
        return table
    kept = memory[pd.to_datetime(memory["as_of_date"]) != pd.Timestamp(as_of)]
    return pd.concat([kept, table], ignore_index=True)


def drifted(memory: pd.DataFrame, feature="spend", *, as_of=TODAY, **wanted) -> dict:
    """The one row of ml_feature_drift."""
    rows = drift.list_drift(memory, as_of=as_of)
    frames.typed_table(rows, drift.DRIFT_SCHEMA)
    found = [
        row
        for row in rows
        if row["feature"] == feature and all(row[name] == value for name, value in wanted.items())
    ]
    assert len(found) == 1, found
    return found[0]


# Memory


def test_bins_are_fixed_on_the_past_and_kept():
    first = remember(customers([0, 1, 1], seed=1), as_of=TODAY - timedelta(days=30))
    memory = remember(customers([3, 1, 1], seed=2), first)
    spend = memory[memory["feature"] == "spend"]
    assert spend["bins"].nunique() == 1
    assert spend["reference_on"].nunique() == 1
    past = customers([0, 1, 1], seed=1).query("cutoff_name != 'score'")["spend"]
    edges = json.loads(spend["bins"].iloc[0])["edges"]
    assert edges == np.quantile(past, np.arange(1, 10) / 10, method="lower").tolist()
    assert spend.groupby(["as_of_date", "cutoff_name"]).size().max() == 1


def test_the_same_build_again_gives_equal_rows_whatever_was_built_after_it():
    before = remember(customers([0, 0], seed=1), as_of=TODAY - timedelta(days=30))
    memory = remember(customers([1, 0], seed=2), before)
    again = remember(customers([1, 0], seed=2), memory)
    pd.testing.assert_frame_equal(memory, again)
    later = remember(customers([9, 9], seed=3), memory, as_of=TODAY + timedelta(days=30))
    rows = drift.remember_distributions(
        customers([1, 0], seed=2), [SPEND, SOURCE], NO_SCORES, later, as_of=TODAY
    )
    table = frames.typed_table(rows, drift.DISTRIBUTIONS_SCHEMA).to_pandas()
    pd.testing.assert_frame_equal(table, memory[len(before) :].reset_index(drop=True))
    assert drift.list_drift(later, as_of=TODAY) == drift.list_drift(memory, as_of=TODAY)


def test_a_reference_is_renewed_after_a_year_and_no_comparison_is_lost():
    first = remember(customers([0, 0], seed=1), as_of=TODAY - timedelta(days=366))
    memory = remember(customers([2, 0], seed=2), first)
    spend = memory[(memory["feature"] == "spend") & (memory["as_of_date"] == TODAY)]
    found = spend.groupby("reference_on")["cutoff_name"].apply(set).to_dict()
    assert found == {TODAY - timedelta(days=366): {"score"}, TODAY: {"score", "test"}}
    rows = {
        row["comparison"]: row["reference_on"]
        for row in drift.list_drift(memory, as_of=TODAY)
        if row["feature"] == "spend"
    }
    assert rows == {"builds": TODAY - timedelta(days=366), "cutoffs": TODAY}
    # The build after it compares over the new bins.
    next_day = TODAY + timedelta(days=30)
    following = remember(customers([2, 0], seed=3, as_of=next_day), memory, as_of=next_day)
    assert drifted(following, comparison="builds", as_of=next_day)["reference_on"] == TODAY


def test_a_number_that_became_a_category_starts_anew():
    before = remember(customers([0, 0]), as_of=TODAY - timedelta(days=30))
    spend = before.loc[before["feature"] == "spend"]
    as_source = before.assign(feature=before["feature"].replace("spend", "source"))
    memory = remember(customers([0, 0]), as_source.loc[spend.index])
    today = memory[(memory["feature"] == "source") & (memory["as_of_date"] == TODAY)]
    assert set(today["reference_on"]) == {TODAY}
    assert not [
        row
        for row in drift.list_drift(memory, as_of=TODAY)
        if (row["feature"], row["comparison"]) == ("source", "builds")
    ]


def test_no_category_of_a_handful_is_remembered():
    frame = customers([0, 0])
    frame.loc[frame.index[:9], "source"] = "someone@example.org"
    memory = remember(frame)
    assert "someone" not in memory.to_json()
    assert memory.query("feature == 'source'")["counts"].map(json.loads).map(sum).eq(3000).all()


# What alarms


def test_what_moved_in_the_last_step_and_never_before_has_drifted():
    memory = remember(customers([0.8, 0, 0, 0, 0, 0]))
    row = drifted(memory, comparison="cutoffs", to_cutoff="score")
    assert (row["severity"], row["reading"], row["alarm"]) == ("major", "drifted", "major")
    assert row["from_customers"] == row["to_customers"] == 3000
    quiet = [r for r in drift.list_drift(memory, as_of=TODAY) if r["severity"] == "stable"]
    assert len(quiet) == 9  # four earlier steps, and five of source


def test_a_season_that_was_seen_a_year_ago_is_usual():
    """Spend rises each spring by as much."""
    memory = remember(customers([0.8, 0, 0, 0, 0.8, 0]))
    row = drifted(memory, comparison="cutoffs", to_cutoff="score")
    assert (row["severity"], row["reading"], row["alarm"]) == ("major", "usual", "none")
    past = drifted(memory, comparison="cutoffs", to_cutoff="train_3")
    assert (past["severity"], past["reading"], past["alarm"]) == ("major", "past", "none")
    assert row["usual_psi"] == pytest.approx(past["psi"])


def test_more_than_the_usual_season_has_drifted():
    row = drifted(remember(customers([1.6, 0, 0, 0, 0.8, 0])), to_cutoff="score")
    assert (row["reading"], row["alarm"]) == ("drifted", "major")


def test_what_grows_steadily_is_usual():
    """Tenure: everybody is one horizon older at each cutoff."""
    row = drifted(remember(customers([2.5, 2, 1.5, 1, 0.5, 0])), to_cutoff="score")
    assert (row["severity"], row["reading"]) == ("moderate", "usual")


def test_with_less_than_a_year_of_history_a_season_is_not_told_from_drift():
    row = drifted(remember(customers([0.8, 0, 0])), to_cutoff="score")
    assert (row["severity"], row["reading"], row["alarm"]) == ("major", "unjudged", "none")
    assert not row["has_year"]


def test_a_new_category_alarms_without_a_year_of_history():
    frame = customers([0, 0])
    new = frame.query("cutoff_name == 'score'").index[:300]
    frame.loc[new, "source"] = "podcast"
    row = drifted(remember(frame), "source", to_cutoff="score")
    assert (row["new_categories"], row["new_category_share"]) == ("podcast", 0.1)
    assert (row["reading"], row["alarm"]) == ("drifted", "moderate")


def test_builds_are_compared_with_the_last_earlier_date():
    june = TODAY - timedelta(days=30)
    memory = remember(customers([5, 0, 0], as_of=TODAY - timedelta(days=60)), as_of=june)
    memory = remember(customers([0, 0, 0], as_of=june, seed=1), memory, as_of=june)
    memory = remember(customers([0.8, 0, 0], seed=2), memory)
    row = drifted(memory, comparison="builds")
    assert (row["from_on"], row["to_on"]) == (june, TODAY)
    assert (row["severity"], row["reading"], row["alarm"]) == ("major", "drifted", "major")
    assert row["usual_psi"] is not None


def test_the_first_build_has_nothing_to_be_compared_with():
    rows = drift.list_drift(remember(customers([1])), as_of=TODAY)
    assert rows == []


def test_two_builds_of_the_same_shop_raise_no_alarm():
    """Fifty pairs of builds of one distribution: 1500 comparisons, and not one alarm."""
    june = TODAY - timedelta(days=30)
    for seed in range(50):
        frame = customers([0] * 6, rows=200, seed=2 * seed, as_of=june)
        memory = remember(frame, as_of=june)
        memory = remember(customers([0] * 6, rows=200, seed=2 * seed + 1), memory)
        assert {row["alarm"] for row in drift.list_drift(memory, as_of=TODAY)} == {"none"}


def test_scores_of_another_model_are_no_drift():
    june = TODAY - timedelta(days=30)
    for model, reading in (("m1", "drifted"), ("m2", "other_model")):
        memory = remember(customers([0, 0], as_of=june), scores=scored(0, seed=1), as_of=june)
        memory = remember(customers([0, 0]), memory, scores=scored(1, model_id=model, seed=2))
        row = drifted(memory, "score:purchase", comparison="builds")
        assert (row["severity"], row["reading"]) == ("major", reading)
        assert (row["alarm"] == "none") is (model == "m2")


def test_scores_learn_what_is_usual_from_earlier_builds():
    """Each build the scores of the score cutoff are as much higher as before."""
    memory = None
    for step in range(7):
        day = TODAY - timedelta(days=HORIZON * (6 - step))
        frame, scores = customers([0, 0], as_of=day), scored(0.7, seed=step)
        memory = remember(frame, memory, scores=scores, as_of=day)
        row = drifted(memory, "score:purchase", as_of=day, comparison="cutoffs")
        assert row["severity"] == "major"
        assert row["reading"] == ("unjudged" if step == 0 else "usual"), step


def test_groups_under_the_floor_are_not_compared():
    assert drift.list_drift(remember(customers([5, 0], rows=9)), as_of=TODAY) == []


# Decay


def run(day: date, *, model="m1", promoted=None, champion=True, target="churn", **figures) -> dict:
    metrics = [
        {"split": "out_of_time", "metric": name, "value": v, "ci_low": v - h, "ci_high": v + h}
        for name, (v, h) in figures.items()
    ]
    return {
        "as_of_date": day,
        "target": target,
        "model_id": model,
        "algorithm": "logistic_regression",
        "is_champion": champion,
        "promoted_on": promoted or day,
        "test_rows": 500,
        "metrics": json.dumps([*metrics, {"split": "random_split", "metric": "auc", "value": 1}]),
    }


def decay(*runs, as_of=TODAY) -> dict:
    rows = drift.list_decay(pd.DataFrame(runs), as_of=as_of)
    frames.typed_table(rows, drift.DECAY_SCHEMA)
    return {(row["as_of_date"], row["metric"]): row for row in rows}


APRIL, MAY, JUNE = (date(2026, month, 1) for month in (4, 5, 6))


def test_a_champion_decays_beyond_the_noise_of_both_figures():
    """Half widths of 0.0196 are standard errors of 0.01; noise is 2.326 times √2 of them."""
    found = decay(
        run(APRIL, auc=(0.80, 0.0196), log_loss=(0.5, 0.0196)),
        run(MAY, promoted=APRIL, auc=(0.768, 0.0196), log_loss=(0.6, 0.0196)),
        run(JUNE, promoted=APRIL, auc=(0.766, 0.0196), log_loss=(0.4, 0.0196)),
    )
    assert found[APRIL, "auc"]["verdict"] == "at_promotion"
    row = found[JUNE, "auc"]
    assert row["noise"] == pytest.approx(2.3263 * np.sqrt(2) * 0.01, rel=1e-3)
    assert row["worse_by"] == pytest.approx(0.034)
    verdicts = {key: (row["verdict"], row["is_alarm"]) for key, row in found.items()}
    assert verdicts[MAY, "auc"] == ("as_before", False)
    assert verdicts[JUNE, "auc"] == ("decayed", True)
    # More log loss is shown, but may be due to an event that is harder to predict.
    assert verdicts[MAY, "log_loss"] == ("decayed", False)
    assert verdicts[JUNE, "log_loss"] == ("improved", False)
    assert [day for (day, metric), r in found.items() if r["is_latest"] and metric == "auc"] == [
        JUNE
    ]


def test_a_new_champion_is_compared_with_its_own_promotion():
    found = decay(
        run(APRIL, auc=(0.9, 0.01)),
        run(MAY, model="m2", auc=(0.7, 0.01)),
        run(MAY, model="m1", promoted=APRIL, champion=False, auc=(0.6, 0.01)),
        run(JUNE, model="m2", promoted=MAY, auc=(0.7, 0.01)),
    )
    assert found[MAY, "auc"]["verdict"] == "at_promotion"
    assert (found[JUNE, "auc"]["promoted_on"], found[JUNE, "auc"]["verdict"]) == (MAY, "as_before")


def test_what_a_later_run_found_is_not_looked_at():
    runs = [run(APRIL, auc=(0.8, 0.01)), run(JUNE, promoted=APRIL, auc=(0.5, 0.01))]
    found = decay(*runs, as_of=MAY)
    assert set(found) == {(APRIL, "auc")}
    assert found[APRIL, "auc"]["is_latest"]


def test_without_an_interval_nothing_is_claimed():
    runs = [run(APRIL, auc=(0.8, np.nan)), run(JUNE, promoted=APRIL, auc=(0.5, 0.01))]
    row = decay(*runs)[JUNE, "auc"]
    assert (row["verdict"], row["is_alarm"]) == ("unknown", False)


def test_decay_is_claimed_of_a_model_as_good_as_before_as_seldom_as_it_says():
    """Two AUCs of one truth with their own bootstrap-like intervals, 4000 times."""
    rng = np.random.default_rng(5)
    before, now = rng.normal(0.8, 0.01, (2, 4000))
    half = 1.96 * 0.01
    claimed = [
        drift.compare_figures(
            "auc",
            {"value": a, "ci_low": a - half, "ci_high": a + half},
            {"value": b, "ci_low": b - half, "ci_high": b + half},
            is_promotion=False,
        )["verdict"]
        == "decayed"
        for a, b in zip(before, now, strict=True)
    ]
    assert np.mean(claimed) == pytest.approx(0.01, abs=0.005)


# What a policy takes for usual


def aged(*levels, days=30):
    """Spend at today's and earlier cutoffs, against a reference of so many days ago."""
    frame = customers(levels)
    past = frame[frame["cutoff_name"] != "score"]
    now = frame[frame["cutoff_name"] == "score"]
    before = customers([levels[1]], seed=9)
    rows = drift.measure_drift(now, [SPEND], drift.describe_distribution(before, [SPEND]))
    (row,) = drift.mark_usual(rows, past, [SPEND], days=days)
    return row


def test_a_feature_that_grows_with_the_calendar_moves_as_usual():
    row = aged(4, 3, 2, 1, 0)
    assert row["severity"] == "major" and row["is_usual"]
    # Against a reference of two horizons ago it may have gone twice as far.
    twice = aged(5, 3, 2, 1, 0)
    assert twice["severity"] == "major" and not twice["is_usual"]
    assert aged(5, 3, 2, 1, 0, days=120)["is_usual"]


def test_a_feature_that_never_moved_before_has_not_moved_as_usual():
    row = aged(1, 0, 0, 0, 0)
    assert (row["severity"], row["is_usual"]) == ("major", False)
    assert row["usual_psi"] < 0.02


def test_without_two_earlier_cutoffs_nothing_is_usual():
    row = aged(1, 0)
    assert (row["usual_psi"], row["is_usual"]) == (None, False)


def test_of_a_stable_feature_nothing_earlier_is_looked_at():
    row = aged(0, 0, 9)
    assert (row["severity"], row["usual_psi"], row["is_usual"]) == ("stable", None, False)
