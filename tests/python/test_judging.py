"""Figures of a probability and their intervals: against scikit-learn, by hand, by simulation."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)

from python_ext import propensity
from python_ext.errors import SegmentationError
from python_ext.propensity import _metrics, _recalibration, _resampling

MONEY = {"contact_cost": 1.0, "hit_gain": 4.0}


def drawn(rows, seed=0, *, decimals=None):
    """Calibrated probabilities and what came of them."""
    rng = np.random.default_rng(seed)
    probability = rng.beta(1.2, 3, rows)
    if decimals is not None:
        probability = np.round(probability, decimals)
    return rng.random(rows) < probability, probability


def figures(label, probability, **options):
    return propensity.judge(label, probability, **options).set_index("metric")


def values(label, probability, **options):
    return figures(label, probability, resamples=0, **options)["value"]


# Against scikit-learn


@pytest.mark.parametrize("decimals", [None, 1, 2])
def test_figures_are_those_of_scikit_learn(decimals):
    label, probability = drawn(3000, decimals=decimals)
    found = values(label, probability, **MONEY)
    chosen = probability > 0.25
    odds = _recalibration.logit(probability)
    model = LogisticRegression(C=np.inf, max_iter=500, tol=1e-10).fit(odds[:, None], label)
    expected = {
        "rows": 3000,
        "prevalence": label.mean(),
        "auc": roc_auc_score(label, probability),
        "average_precision": average_precision_score(label, probability),
        "log_loss": log_loss(label, np.clip(probability, 1e-6, 1 - 1e-6)),
        "brier": brier_score_loss(label, probability),
        "brier_skill": 1 - brier_score_loss(label, probability) / label.var(),
        "threshold": 0.25,
        "contacts_share": chosen.mean(),
        "precision": precision_score(label, chosen),
        "recall": recall_score(label, chosen),
        "f1": f1_score(label, chosen),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-9), name
    assert found["calibration_slope"] == pytest.approx(model.coef_[0, 0], rel=1e-4)
    offset = optimize.brentq(
        lambda shift: (label - 1 / (1 + np.exp(-shift - odds))).sum(), -5, 5, xtol=1e-12
    )
    assert found["calibration_intercept"] == pytest.approx(offset, abs=1e-7)


def test_the_small_functions_give_the_same_figures():
    label, probability = drawn(500, decimals=2)
    found = values(label, probability)
    for name in ("expected_calibration_error", "calibration_slope", "lift_top_decile"):
        assert getattr(_metrics, name)(label, probability) == pytest.approx(found[name]), name
    assert _metrics.row_log_loss(label, probability).mean() == pytest.approx(found["log_loss"])


# By hand


def test_figures_by_hand():
    label = np.array([True, False, True, False])
    found = values(label, np.array([0.9, 0.2, 0.6, 0.7]), contact_cost=3, hit_gain=5)
    assert found["auc"] == 0.75
    assert found["brier"] == pytest.approx((0.01 + 0.04 + 0.16 + 0.49) / 4)
    assert found["log_loss"] == pytest.approx(-np.log([0.9, 0.8, 0.6, 0.3]).mean())
    assert found["expected_calibration_error"] == pytest.approx((0.1 + 0.2 + 0.4 + 0.7) / 4)
    # A probability of 0.6 is worth exactly what a contact costs, and no contact: 0.9 and 0.7 are.
    assert found["threshold"] == 0.6
    assert found["contacts_share"] == 0.5
    assert found["precision"] == found["recall"] == found["f1"] == 0.5
    assert found["profit_per_customer"] == pytest.approx((5 - 2 * 3) / 4)
    assert found["expected_profit_per_customer"] == pytest.approx((1.6 * 5 - 2 * 3) / 4)
    assert found["profit_per_customer_of_all_contacted"] == pytest.approx((2 * 5 - 4 * 3) / 4)
    # The best cut takes the first alone.
    assert found["maximum_profit_per_customer"] == pytest.approx((5 - 3) / 4)


def test_lift_and_gain_count_the_top_tenth_and_share_ties():
    label = np.arange(100) >= 80
    assert values(label, label * 0.5)["lift_top_decile"] == pytest.approx(5)
    score = np.where(np.arange(100) >= 95, 0.9, 0.1)
    # Five of ten places are hits, the other five are shared by 95 rows of which 15 are hits.
    expected = (5 + 5 * 15 / 95) / 20
    assert values(label, score)["gain_top_decile"] == pytest.approx(expected)
    assert _metrics.lift_top_decile(label, score) == pytest.approx(10 * expected)


def test_the_best_cut_is_the_best_of_all_cuts():
    label, probability = drawn(200, seed=5, decimals=2)
    cuts = [
        ((probability >= cut) * (label * 4.0 - 1)).sum() / 200 for cut in np.unique(probability)
    ]
    found = values(label, probability, **MONEY)["maximum_profit_per_customer"]
    assert found == pytest.approx(max(*cuts, 0))
    nothing = values(np.zeros(50, dtype=bool), np.linspace(0, 0.9, 50), **MONEY)
    assert nothing["maximum_profit_per_customer"] == 0
    assert nothing["profit_per_customer"] < 0


def test_certain_mistakes_cost_a_finite_loss():
    loss = _metrics.row_log_loss(np.array([True, False]), np.array([0.0, 1.0]))
    assert np.isfinite(loss).all() and loss.min() > 13
    assert np.isfinite(values(np.array([True, False]), np.array([0.0, 1.0]))["log_loss"])


# What cannot be told


def test_one_class_has_no_ranking():
    for happened in (False, True):
        found = figures(np.full(20, happened), np.full(20, 0.1), **MONEY)
        for name in ("auc", "average_precision", "calibration_slope", "brier_skill"):
            assert found.loc[name].isna().all(), name
        assert found.loc["log_loss", "value"] == pytest.approx(-np.log(0.1 if happened else 0.9))
    assert np.isnan(values(np.zeros(20, dtype=bool), np.linspace(0, 1, 20))["lift_top_decile"])


def test_a_constant_ranks_nobody():
    found = figures(np.arange(20) < 5, np.full(20, 0.25))
    assert found.loc["auc", ["value", "ci_low", "ci_high"]].tolist() == [0.5, 0.5, 0.5]
    assert found.loc["lift_top_decile", "value"] == pytest.approx(1)
    assert found.loc["average_precision", "value"] == pytest.approx(0.25)
    assert np.isnan(found.loc["calibration_slope", "value"])
    assert found.loc["calibration_intercept", "value"] == pytest.approx(0, abs=1e-9)
    for label in (np.arange(1000) < 250, np.arange(1000) >= 750):
        error = values(label, np.full(1000, 0.25))["expected_calibration_error"]
        assert error == pytest.approx(0, abs=1e-12)


def test_separated_classes_have_no_slope():
    label = np.arange(40) >= 20
    found = values(label, np.where(label, 0.8, 0.3))
    assert found["auc"] == 1
    assert np.isnan(found["calibration_slope"])


def test_no_rows_and_one_row():
    empty = figures(np.array([], dtype=bool), np.array([]), **MONEY)
    assert empty.loc["rows", "value"] == 0
    assert empty.drop("rows").isna().all(axis=None)
    one = figures(np.array([True]), np.array([0.4]), **MONEY)
    assert one.loc["prevalence", "value"] == 1
    assert one.loc["profit_per_customer", "value"] == 3


def test_without_money_there_are_no_figures_of_it():
    label, probability = drawn(50)
    assert "threshold" not in values(label, probability, contact_cost=1)
    assert "precision" not in values(label, probability, contact_cost=np.nan, hit_gain=2)
    nothing = values(label, probability, contact_cost=1, hit_gain=0)
    assert nothing["contacts_share"] == nothing["profit_per_customer"] == nothing["recall"] == 0
    assert np.isnan(nothing["threshold"]) and np.isnan(nothing["precision"])
    free = values(label, probability, contact_cost=0, hit_gain=2)
    assert free["contacts_share"] == 1


@pytest.mark.parametrize(
    ("label", "probability", "said"),
    [
        ([True, False], [0.5, np.nan], "1 of 2 probabilities are unknown"),
        ([True, False], [0.5, 1.2], "not between 0 and 1"),
        ([True, None], [0.5, 0.2], "a label is unknown"),
        ([True], [0.5, 0.2], "one of each per row"),
    ],
)
def test_what_is_no_probability_or_no_outcome_is_refused(label, probability, said):
    with pytest.raises(SegmentationError, match=said):
        propensity.judge(np.array(label, dtype=object), np.array(probability))


# Intervals


def test_the_order_of_the_rows_means_nothing_and_a_seed_repeats():
    label, probability = drawn(400, decimals=1)
    first = propensity.judge(label, probability, **MONEY, seed=3)
    order = np.random.default_rng(1).permutation(400)
    pd.testing.assert_frame_equal(
        first, propensity.judge(label[order], probability[order], **MONEY, seed=3)
    )
    assert not first.equals(propensity.judge(label, probability, **MONEY, seed=4))


def auc_of_ranks(label, probability):
    """Mann and Whitney's way to the same figure, some ten times faster than scikit-learn's."""
    hits = label.sum()
    ranks = stats.rankdata(probability)[label].sum()
    return (ranks - hits * (hits + 1) / 2) / (hits * (len(label) - hits))


def test_intervals_are_those_of_a_plain_bootstrap():
    label, probability = drawn(300, seed=2)
    found = figures(label, probability, **MONEY, resamples=2000)
    rng = np.random.default_rng(9)
    slow = []
    for _ in range(2000):
        rows = rng.integers(0, 300, 300)
        chosen = probability[rows] > 0.25
        slow.append(
            {
                "auc": auc_of_ranks(label[rows], probability[rows]),
                "brier": ((label[rows] - probability[rows]) ** 2).mean(),
                "profit_per_customer": (chosen * (4.0 * label[rows] - 1)).mean(),
                "recall": label[rows][chosen].sum() / label[rows].sum(),
            }
        )
    for name, column in pd.DataFrame(slow).items():
        low, high = column.quantile([0.025, 0.975])
        near = 0.08 * (high - low)
        assert found.loc[name, "ci_low"] == pytest.approx(low, abs=near), name
        assert found.loc[name, "ci_high"] == pytest.approx(high, abs=near), name


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    _, many = drawn(1_000_000, seed=99)
    # Calibrated, so that the expected figures follow from the probabilities.
    hits, misses = many, 1 - many
    order = np.argsort(many)
    below = np.cumsum(misses[order]) - misses[order] / 2
    truth = {
        "auc": (hits[order] * below).sum() / (hits.sum() * misses.sum()),
        "brier": (many * misses).mean(),
        "log_loss": -(many * np.log(many) + misses * np.log(misses)).mean(),
        "calibration_slope": 1.0,
        "calibration_intercept": 0.0,
        "precision": many[many > 0.25].mean(),
        "recall": many[many > 0.25].sum() / many.sum(),
        "profit_per_customer": np.where(many > 0.25, 4 * many - 1, 0).mean(),
    }
    runs = 150
    covered = dict.fromkeys(truth, 0)
    for run in range(runs):
        label, probability = drawn(300, seed=1000 + run)
        found = figures(label, probability, **MONEY, resamples=100)
        for name, value in truth.items():
            covered[name] += found.loc[name, "ci_low"] <= value <= found.loc[name, "ci_high"]
    for name, times in covered.items():
        assert times / runs >= 0.88, (name, times / runs)
    # And they are no wider than need be: not all of them, of all figures, always hold.
    assert sum(covered.values()) / (runs * len(truth)) < 0.985


def test_rows_of_one_customer_are_drawn_together():
    label, probability = drawn(400, seed=7)
    once = figures(label, probability, resamples=400)
    customer = np.repeat(np.arange(400), 4)
    rows = (np.repeat(label, 4), np.repeat(probability, 4))
    together = figures(*rows, group=customer, resamples=400)
    apart = figures(*rows, resamples=400)
    for name in ("auc", "log_loss", "prevalence"):
        width = once.loc[name, "ci_high"] - once.loc[name, "ci_low"]
        assert together.loc[name, "ci_high"] - together.loc[name, "ci_low"] == pytest.approx(
            width, rel=0.2
        )
        assert apart.loc[name, "ci_high"] - apart.loc[name, "ci_low"] < 0.65 * width
    one_row_each = figures(label, probability, group=np.arange(400), resamples=400)
    assert one_row_each.loc["auc", "ci_low"] == pytest.approx(once.loc["auc", "ci_low"], abs=0.01)
    low, high = _metrics.auc_interval(*rows, group=customer, resamples=400)
    assert together.loc["auc", "ci_low"] == pytest.approx(low, abs=0.01)
    assert together.loc["auc", "ci_high"] == pytest.approx(high, abs=0.01)


def test_joined_neighbours_change_no_interval_visibly(monkeypatch):
    label, probability = drawn(6000, seed=4)
    joined = figures(label, probability, **MONEY)
    monkeypatch.setattr(_resampling, "MOST_CELLS", 10**9)
    apart = figures(label, probability, **MONEY)
    pd.testing.assert_series_equal(
        joined["value"].drop("calibration_error_by_chance"),
        apart["value"].drop("calibration_error_by_chance"),
    )
    for name in ("auc", "log_loss", "brier", "precision", "profit_per_customer", "f1"):
        width = apart.loc[name, "ci_high"] - apart.loc[name, "ci_low"]
        for end in ("ci_low", "ci_high"):
            assert abs(joined.loc[name, end] - apart.loc[name, end]) < 0.25 * width, (name, end)


def test_no_cell_reaches_over_the_threshold_or_a_bin():
    label, probability = drawn(9000, seed=6)
    exact = _resampling.pool(label, probability)
    coarse = _resampling.coarsen(exact, label, cut=0.3, bins=10)
    assert len(coarse.probability) < 2 * _resampling.MOST_CELLS
    assert ((coarse.probability > 0.3)[coarse.cell] == (probability > 0.3)).all()
    assert coarse.hits.sum() == label.sum() and (np.diff(coarse.probability) > 0).all()
    base = _metrics._calibration_errors(exact, _metrics._bin_starts(exact, bins=10))[0]
    same = _metrics._calibration_errors(coarse, _metrics._bin_starts(coarse, bins=10))[0]
    assert same == pytest.approx(base, abs=1e-12)


# Calibration error


def test_chance_alone_makes_a_calibration_error_and_how_much_is_told():
    """200 customers perfectly calibrated: the raw error is about 0.07, and 0.07 is what is said."""
    raw, squared, told, inside = [], [], [], 0
    for run in range(100):
        label, probability = drawn(200, seed=run)
        found = figures(label, probability, resamples=100)
        pooled = _resampling.pool(label, probability)
        starts = _metrics._bin_starts(pooled, bins=10)
        raw.append(found.loc["expected_calibration_error", "value"])
        squared.append(float(_metrics._calibration_errors(pooled, starts)[1][0]))
        chance = found.loc["calibration_error_by_chance"]
        told.append(chance["value"])
        inside += chance["ci_low"] <= raw[-1] <= chance["ci_high"]
    assert np.mean(raw) > 0.05
    assert np.mean(told) == pytest.approx(np.mean(raw), rel=0.06)
    assert inside >= 88
    # Freed of noise it is nought on average, where the raw one squared is far from it.
    assert abs(np.mean(squared)) < 0.15 * np.mean(np.square(raw))


def test_the_debiased_error_is_the_true_one_and_its_interval_covers_it():
    found, covered = [], 0
    for run in range(100):
        rng = np.random.default_rng(run)
        probability = rng.uniform(0.2, 0.8, 400)
        label = rng.random(400) < probability - 0.1
        row = figures(label, probability, resamples=100).loc["calibration_error_debiased"]
        found.append(row["value"])
        covered += row["ci_low"] <= 0.1 <= row["ci_high"]
    assert np.sqrt(np.mean(np.square(found))) == pytest.approx(0.1, abs=0.012)
    assert covered >= 86
