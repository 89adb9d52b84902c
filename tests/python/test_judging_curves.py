"""Tables behind the pictures: reliability, gains, profit; ties, and by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.calibration import calibration_curve

from python_ext import frames, propensity
from python_ext.errors import SegmentationError
from python_ext.propensity import _resampling
from python_ext.propensity._curves import wilson_interval


def drawn(rows, seed=0, *, decimals=None):
    """Calibrated probabilities and what came of them."""
    rng = np.random.default_rng(seed)
    probability = rng.beta(1.2, 3, rows)
    if decimals is not None:
        probability = np.round(probability, decimals)
    return rng.random(rows) < probability, probability


# The threshold


def test_a_contact_is_worth_it_above_cost_over_gain():
    threshold = propensity.cost_optimal_threshold
    assert threshold(contact_cost=2, hit_gain=8) == 0.25
    assert threshold(contact_cost=0, hit_gain=8) == 0
    assert threshold(contact_cost=2, hit_gain=0) == np.inf
    for unknown in (None, np.nan):
        assert threshold(contact_cost=unknown, hit_gain=8) is None
        assert threshold(contact_cost=2, hit_gain=unknown) is None


# Reliability


@pytest.mark.parametrize(("hits", "rows"), [(0, 10), (3, 10), (10, 10), (57, 100), (1, 2000)])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.995])
def test_wilson_intervals_are_those_of_scipy(hits, rows, level):
    expected = stats.binomtest(hits, rows).proportion_ci(level, method="wilson")
    low, high = wilson_interval(hits, rows, level=level)
    assert (float(low), float(high)) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_without_rows_there_is_no_interval():
    assert np.isnan(wilson_interval(0, 0)).all()


def test_bins_are_those_of_scikit_learn_where_no_probability_is_shared():
    label, probability = drawn(2000)
    table = propensity.reliability_table(label, probability)
    actual, predicted = calibration_curve(label, probability, n_bins=10, strategy="quantile")
    np.testing.assert_allclose(table["actual"], actual)
    np.testing.assert_allclose(table["predicted"], predicted)
    assert (table["customers"] == 200).all()
    assert table["probability_low"].iloc[0] == probability.min()
    assert table["probability_high"].iloc[-1] == probability.max()
    assert (table["probability_low"].iloc[1:].values > table["probability_high"].iloc[:-1]).all()


def test_equal_probabilities_share_a_bin_whatever_the_order():
    label, probability = drawn(500, decimals=1)
    table = propensity.reliability_table(label, probability)
    order = np.random.default_rng(3).permutation(500)
    again = propensity.reliability_table(label[order], probability[order])
    pd.testing.assert_frame_equal(table, again)
    assert table["customers"].sum() == 500 and table["hits"].sum() == label.sum()
    assert (table["probability_low"].iloc[1:].values > table["probability_high"].iloc[:-1]).all()
    constant = propensity.reliability_table(label, np.full(500, 0.3))
    assert constant["customers"].tolist() == [500]
    assert len(propensity.reliability_table(label[:0], probability[:0])) == 0


def test_a_bin_is_off_beyond_noise_and_tolerance_only():
    rng = np.random.default_rng(8)
    probability = rng.uniform(0.2, 0.7, 5000)
    label = rng.random(5000) < np.where(probability > 0.65, probability - 0.2, probability)
    table = propensity.reliability_table(label, probability)
    assert table["is_off"].tolist() == [False] * 9 + [True]
    assert table["gap"].iloc[-1] == pytest.approx(0.2, abs=0.05)
    patient = propensity.reliability_table(label, probability, tolerance=0.3)
    assert not patient["is_off"].any()
    # Ever so sure, and too small to act on.
    many = np.full(100_000, 0.31)
    sure = propensity.reliability_table(np.arange(100_000) < 30_000, many)
    assert sure["predicted"].iloc[0] > sure["ci_high"].iloc[0]
    assert not sure["is_off"].any()


def test_chance_calls_a_bin_off_about_as_seldom_as_said():
    false_alarms = sum(
        propensity.reliability_table(*drawn(1000, seed=run), tolerance=0)["is_off"].any()
        for run in range(200)
    )
    assert false_alarms <= 20  # 5 % would be 10


# Gains


def test_gains_by_hand():
    label = np.array([1, 1, 0, 1, 0, 0, 0, 0, 0, 1], dtype=bool)
    probability = np.array([0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])
    table = propensity.gain_table(label, probability, contact_cost=1, hit_gain=3, parts=5)
    assert table["decile"].tolist() == [1, 2, 3, 4, 5]
    assert table["customers"].tolist() == [2] * 5
    assert table["hits"].tolist() == [2, 1, 0, 0, 1]
    assert table["rate"].tolist() == [1, 0.5, 0, 0, 0.5]
    assert table["lift"].tolist() == [2.5, 1.25, 0, 0, 1.25]
    assert table["cumulative_gain"].tolist() == [0.5, 0.75, 0.75, 0.75, 1]
    np.testing.assert_allclose(table["cumulative_lift"], [2.5, 1.875, 1.25, 0.9375, 1])
    np.testing.assert_allclose(table["least_probability"], [0.9, 0.7, 0.5, 0.3, 0.1])
    np.testing.assert_allclose(table["expected_hits"], [1.85, 1.5, 1.1, 0.7, 0.3])
    np.testing.assert_allclose(table["actual_profit"], [4, 1, -2, -2, 1])
    np.testing.assert_allclose(table["expected_profit"], [3.55, 2.5, 1.3, 0.1, -1.1])
    np.testing.assert_allclose(table["cumulative_actual_profit"], [4, 5, 3, 1, 2])


def test_tied_customers_share_the_places_of_a_tenth():
    label = np.arange(40) < 8
    table = propensity.gain_table(label, np.full(40, 0.2))
    np.testing.assert_allclose(table["hits"], [0.8] * 10)
    np.testing.assert_allclose(table["lift"], [1] * 10)
    assert table["actual_profit"].isna().all()
    label, probability = drawn(387, decimals=1)
    table = propensity.gain_table(label, probability)
    order = np.random.default_rng(2).permutation(387)
    pd.testing.assert_frame_equal(table, propensity.gain_table(label[order], probability[order]))
    np.testing.assert_allclose(table["customers"], [38.7] * 10)
    assert table["hits"].sum() == pytest.approx(label.sum())
    assert table["lift"].iloc[0] == pytest.approx(
        propensity.judge(label, probability, resamples=0)
        .set_index("metric")
        .loc["lift_top_decile", "value"]
    )


def test_intervals_of_gains_are_those_of_a_plain_bootstrap():
    label, probability = drawn(500, seed=3)
    table = propensity.gain_table(
        label, probability, contact_cost=1, hit_gain=4, resamples=1500
    ).set_index("decile")
    rng = np.random.default_rng(7)
    slow = []
    for _ in range(1500):
        rows = rng.integers(0, 500, 500)
        best = label[rows][np.argsort(-probability[rows], kind="stable")]
        slow.append(
            {
                ("lift", 1): best[:50].mean() / best.mean(),
                ("rate", 3): best[100:150].mean(),
                ("cumulative_gain", 4): best[:200].sum() / best.sum(),
                ("cumulative_actual_profit", 5): 4 * best[:250].sum() - 250,
            }
        )
    for (name, decile), column in pd.DataFrame(slow).items():
        low, high = column.quantile([0.025, 0.975])
        near = 0.1 * (high - low)
        assert table.loc[decile, f"{name}_ci_low"] == pytest.approx(low, abs=near), name
        assert table.loc[decile, f"{name}_ci_high"] == pytest.approx(high, abs=near), name
    assert table.loc[10, ["cumulative_gain_ci_low", "cumulative_gain_ci_high"]].tolist() == [1, 1]


def test_rows_of_one_customer_widen_the_intervals():
    label, probability = drawn(300, seed=3)
    rows = (np.repeat(label, 4), np.repeat(probability, 4))
    money = {"contact_cost": 1, "hit_gain": 4}
    for table in (propensity.gain_table, propensity.profit_curve):
        name = "cumulative_actual_profit" if table is propensity.gain_table else "actual_profit"
        width = [
            (found[f"{name}_ci_high"] - found[f"{name}_ci_low"]).mean()
            for found in (
                table(*rows, **money),
                table(*rows, group=np.repeat(np.arange(300), 4), **money),
            )
        ]
        assert width[1] == pytest.approx(2 * width[0], rel=0.2)


def test_joined_neighbours_change_no_interval_of_a_curve_visibly(monkeypatch):
    label, probability = drawn(5000, seed=9)
    joined = propensity.profit_curve(label, probability, contact_cost=1, hit_gain=4)
    monkeypatch.setattr(_resampling, "MOST_CELLS", 10**9)
    apart = propensity.profit_curve(label, probability, contact_cost=1, hit_gain=4)
    width = (apart["actual_profit_ci_high"] - apart["actual_profit_ci_low"]).loc[1:]
    for end in ("low", "high"):
        change = (joined[f"actual_profit_ci_{end}"] - apart[f"actual_profit_ci_{end}"]).abs()
        assert (change.loc[1:] < 0.35 * width).all() and change.mean() < 0.1 * width.mean()
    inside = joined["actual_profit"].between(
        joined["actual_profit_ci_low"] - 1e-9, joined["actual_profit_ci_high"] + 1e-9
    )
    assert inside.all()


def test_where_it_never_happened_there_is_no_lift():
    table = propensity.gain_table(np.zeros(30, dtype=bool), np.linspace(0, 1, 30))
    assert table[["lift", "cumulative_gain"]].isna().all(axis=None)
    assert (table["rate"] == 0).all()
    assert len(propensity.gain_table(np.array([], dtype=bool), np.array([]))) == 0


# Profit


def test_the_curve_is_that_of_contacting_the_first_so_many():
    label, probability = drawn(400, seed=1)
    table = propensity.profit_curve(label, probability, contact_cost=1, hit_gain=4)
    assert table["percent"].tolist() == list(range(101))
    order = np.argsort(-probability)
    for percent in (0, 1, 17, 50, 100):
        first = order[: 4 * percent]
        row = table.loc[percent]
        assert row["customers"] == len(first)
        assert row["actual_profit"] == pytest.approx(4 * label[first].sum() - len(first))
        assert row["expected_profit"] == pytest.approx(4 * probability[first].sum() - len(first))
        assert row["gain"] == pytest.approx(label[first].sum() / label.sum())
        if percent:
            assert row["least_probability"] == probability[first].min()
    assert np.isnan(table["least_probability"].iloc[0])
    worthwhile = table[table["is_worthwhile"]]
    assert worthwhile["least_probability"].min() > 0.25
    # Past the threshold each contact promises a loss: the promise is greatest there.
    assert abs(table["expected_profit"].idxmax() - worthwhile["percent"].max()) <= 1
    best = table[table["is_best"]]
    assert best["actual_profit"].tolist() == [table["actual_profit"].max()]


def test_of_equal_points_the_earliest_is_best_and_nobody_may_be():
    lost = propensity.profit_curve(
        np.zeros(100, dtype=bool), np.full(100, 0.9), contact_cost=1, hit_gain=2
    )
    assert lost.loc[lost["is_best"], "percent"].tolist() == [0]
    assert lost["gain"].isna().all()
    unknown = propensity.profit_curve(
        np.arange(100) < 9, np.full(100, 0.9), contact_cost=np.nan, hit_gain=2
    )
    assert not unknown["is_best"].any() and not unknown["is_worthwhile"].any()
    assert unknown["actual_profit"].isna().all() and unknown["hits"].iloc[-1] == 9


# The tables of the warehouse


def scored(rows=2500, targets=("churn", "purchase")):
    parts = []
    for number, target in enumerate(targets):
        label, probability = drawn(rows, seed=number)
        parts.append(
            pd.DataFrame(
                {
                    "customer_key": [f"c{i}" for i in range(rows)],
                    "target": target,
                    "model_id": f"m{number}",
                    "probability": probability,
                    "label": label.astype(object),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


TARGETS = pd.DataFrame(
    {"target": ["purchase", "churn"], "contact_cost": [1.0, None], "hit_gain": [4.0, 9.0]}
)


def test_every_target_has_its_tables():
    rows = scored()
    reliability = propensity.judge_reliability(rows)
    gains = propensity.judge_gains(rows, TARGETS)
    profits = propensity.judge_profits(rows, TARGETS)
    for table, schema, each in (
        (reliability, propensity.RELIABILITY_SCHEMA, 10),
        (gains, propensity.GAINS_SCHEMA, 10),
        (profits, propensity.PROFITS_SCHEMA, 101),
    ):
        typed = frames.typed_table(table, schema).to_pandas()
        assert typed.groupby(["target", "model_id"]).size().to_dict() == {
            ("churn", "m0"): each,
            ("purchase", "m1"): each,
        }
        assert not typed.duplicated(list(schema.key)).any()
    of = gains.set_index("target")["actual_profit"]
    assert of["churn"].isna().all() and of["purchase"].notna().all()
    part = rows[rows["target"] == "purchase"]
    alone = propensity.gain_table(
        part["label"], part["probability"], contact_cost=1.0, hit_gain=4.0
    )
    np.testing.assert_allclose(of["purchase"], alone["actual_profit"])


def constant(customers, hits, *, promised, trained, model_id="m"):
    """Customers who all have one probability, and the prevalence of so many rows as its model."""
    scored = pd.DataFrame(
        {"target": "repeat", "model_id": model_id, "probability": promised}, index=range(customers)
    )
    models = pd.DataFrame(
        {"model_id": ["m"], "algorithm": ["prevalence"], "trained_rows": [trained]}
    )
    return scored.assign(label=np.arange(customers) < hits), models


def test_a_prevalence_of_few_is_not_off_by_the_chance_that_lies_in_it():
    scored, models = constant(120, 48, promised=0.52, trained=66)
    assert propensity.judge_reliability(scored)["is_off"].tolist() == [True]
    assert propensity.judge_reliability(scored, models)["is_off"].tolist() == [False]
    for changed in (
        {"trained": 15_000},  # the rate of many is as good as known
        {"promised": 0.75},  # and that of few can still be too far off
    ):
        told = {"promised": 0.52, "trained": 66, **changed}
        assert propensity.judge_reliability(*constant(120, 48, **told))["is_off"].tolist() == [True]
    # A model is not the rate of its training rows.
    other = scored.assign(model_id="another")
    assert propensity.judge_reliability(other, models)["is_off"].tolist() == [True]


def test_two_rates_of_few_are_told_apart_by_chance_about_as_seldom_as_said():
    rng = np.random.default_rng(4)
    alarms = {"both": 0, "as if known": 0}
    for _ in range(400):
        promised, hits = rng.binomial(66, 0.5) / 66, rng.binomial(120, 0.5)
        scored, models = constant(120, hits, promised=promised, trained=66)
        alarms["both"] += propensity.judge_reliability(scored, models)["is_off"].any()
        alarms["as if known"] += propensity.judge_reliability(scored)["is_off"].any()
    assert alarms["both"] <= 30  # 5 % would be 20
    assert alarms["as if known"] > 60


def test_too_few_customers_are_not_called_off_but_few_hits_are():
    surely = {"promised": 0.8, "trained": 5000}
    assert not propensity.judge_reliability(*constant(99, 20, **surely))["is_off"].any()
    assert propensity.judge_reliability(*constant(100, 20, **surely))["is_off"].all()
    asked = {"limits": {"rows": 20}}
    assert propensity.judge_reliability(*constant(99, 20, **surely), **asked)["is_off"].all()
    # Promised 500 and 5 came: that is no matter of few.
    seldom = constant(5000, 5, promised=0.1, trained=5000)
    assert propensity.judge_reliability(*seldom)["is_off"].all()


@pytest.mark.parametrize(
    ("rows", "points"), [(1000, 100), (999, 50), (450, 25), (39, 2), (19, 1), (3, 1)]
)
def test_two_points_of_a_published_curve_are_enough_customers_apart(rows, points):
    table = propensity.judge_profits(
        scored(rows, targets=["purchase"]), TARGETS, least_customers=10
    )
    assert len(table) == points + 1
    assert (table["percent"] % 1 == 0).all()
    assert rows < 10 or table["customers"].diff().min() >= 10
    assert frames.typed_table(table, propensity.PROFITS_SCHEMA).num_rows == points + 1


def test_what_is_not_known_yet_is_not_judged():
    rows = scored(200)
    rows.loc[rows["target"] == "churn", "label"] = None
    assert set(propensity.judge_reliability(rows)["target"]) == {"purchase"}
    nothing = rows.iloc[:0]
    for table, schema in (
        (propensity.judge_reliability(nothing), propensity.RELIABILITY_SCHEMA),
        (propensity.judge_gains(nothing, TARGETS), propensity.GAINS_SCHEMA),
        (propensity.judge_profits(nothing, TARGETS), propensity.PROFITS_SCHEMA),
    ):
        assert frames.typed_table(table, schema).num_rows == 0


def test_a_probability_that_is_none_is_refused():
    for function in (propensity.reliability_table, propensity.gain_table):
        with pytest.raises(SegmentationError, match="not between 0 and 1"):
            function(np.array([True]), np.array([1.5]))
