"""PSI, its critical value, unknown values, new categories and severity against known truth."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency

from python_ext import drift
from python_ext.drift._distributions import count_bins, fix_bins
from python_ext.drift._stability import critical_new_share, critical_share_change, usual_limit
from python_ext.errors import SegmentationError
from python_ext.features import Feature

NUMBER = Feature("x", "behaviour", "log", "X", "X")
CATEGORY = Feature("source", "scores", "none", "Source", "Source", kind="category")


def numbers(*values) -> pd.DataFrame:
    return pd.DataFrame({"x": np.array(values, dtype=float)})


def sources(**sizes: int) -> pd.DataFrame:
    """So many customers of each source; `unknown` of none."""
    values = [None if name == "unknown" else name for name, n in sizes.items() for _ in range(n)]
    return pd.DataFrame({"source": pd.Series(values, dtype=object)})


def moved(before: pd.DataFrame, now: pd.DataFrame, feature: Feature = NUMBER, **options) -> dict:
    """The one row that ``measure_drift`` gives."""
    reference = json.loads(json.dumps(drift.describe_distribution(before, [feature])))
    (row,) = drift.measure_drift(now, [feature], reference, **options)
    return row


# The index


def test_psi_of_a_published_example():
    """Example of psi() in the documentation of the R package KAscore: 0.3404592.

    Its two samples (seed 123, R's Mersenne Twister) fall into the four score ranges like this.
    """
    development, monitoring = np.array([245, 248, 247, 260]), np.array([81, 13, 43, 63])
    assert drift.population_stability(development, monitoring) == pytest.approx(0.3404592, abs=5e-8)


def test_psi_by_hand():
    """0.2 ln 1.4 for the bin that grew, -0.2 ln 0.6 for the one that shrank."""
    found = drift.population_stability(np.array([50, 50]), np.array([700, 300]))
    assert found == pytest.approx(0.2 * np.log(1.4) - 0.2 * np.log(0.6))


def test_psi_through_bins_and_json_is_that_by_hand():
    """Deciles of 0…99 hold ten each; twice as many in the last as in each other afterwards."""
    now = [*range(100), *range(90, 100)]
    shares = np.array([10] * 9 + [20]) / 110
    by_hand = ((shares - 0.1) * np.log(shares / 0.1)).sum()
    row = moved(numbers(*range(100)), numbers(*now))
    assert row["psi"] == pytest.approx(by_hand)
    assert (row["null_change"], row["new_categories"], row["severity"]) == (0, [], "stable")


@pytest.mark.parametrize("draw", ["normal", "poisson", "category"])
def test_chance_exceeds_the_critical_value_as_often_as_it_says(draw):
    """Whole way, bins fixed on one sample of 800 and another of 500 counted, in 1500 repeats.

    At the edges of the reference's own deciles, and with ties, where there are fewer bins.
    """
    rng = np.random.default_rng(3)
    passed = []
    for _ in range(1500):
        if draw == "category":
            before, now = (
                pd.DataFrame({"source": rng.choice(list("abcd"), n)}) for n in (800, 500)
            )
            feature = CATEGORY
        else:
            size = rng.normal if draw == "normal" else lambda size: rng.poisson(2, size)
            before, now = (numbers(*size(size=n)) for n in (800, 500))
            feature = NUMBER
        bins = fix_bins(before, feature)
        expected, actual = count_bins(before, feature, bins), count_bins(now, feature, bins)
        held = int(((expected > 0) | (actual > 0)).sum())
        limit = drift.critical_stability(held, 800, 500, chance=0.05)
        passed.append(drift.compare_counts(expected, actual)["psi"] > limit)
    assert np.mean(passed) == pytest.approx(0.05, abs=0.02)


# What cannot be compared, and what is easily compared wrongly


def test_equal_values_share_a_bin():
    """A third bought once: no edge runs through them, whatever their order."""
    values = np.repeat([1.0, 1.0, 1.0, 2.0, 3.0, 4.0], 100)
    bins = fix_bins(numbers(*values), NUMBER)
    assert bins["edges"] == [1, 2, 3, 4]
    assert count_bins(numbers(*values[::-1]), NUMBER, bins).tolist() == [300, 100, 100, 100, 0, 0]


def test_a_constant_that_stays_is_stable_and_one_that_moves_is_not():
    assert moved(numbers(*[7] * 50), numbers(*[7] * 80))["psi"] == 0
    for value in (6, 8):
        assert moved(numbers(*[7] * 50), numbers(*[value] * 80))["severity"] == "major"


@pytest.mark.parametrize("moves_by", [0.999, 1.001])
def test_a_value_that_many_share_and_that_hardly_moves_is_stable(moves_by):
    # A third of the customers have the mean of the shop, which is an edge of the reference.
    rng = np.random.default_rng(5)
    known = rng.lognormal(3.5, 0.5, 2000)
    before, now = (
        numbers(*np.concatenate([known, np.full(1000, mean)])) for mean in (40.0, 40.0 * moves_by)
    )
    assert moved(before, now)["severity"] == "stable"
    unnudged = count_bins(now, NUMBER, fix_bins(before, NUMBER))
    if moves_by > 1:  # else the mean stays under its edge
        assert np.abs(unnudged - count_bins(before, NUMBER, fix_bins(before, NUMBER))).max() > 900


@pytest.mark.parametrize("step", [-1, 1])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_step_of_one_is_drift_of_small_whole_numbers(sign, step):
    before = sign * np.repeat(np.arange(2, 8), (900, 700, 500, 400, 300, 200))
    assert moved(numbers(*before), numbers(*before + step))["severity"] == "major"


@pytest.mark.parametrize("moves_by", [0.9, 1.1])
def test_what_moves_by_more_than_a_little_has_drifted(moves_by):
    rng = np.random.default_rng(6)
    known = rng.normal(100.0, 3.0, 3000)
    row = moved(numbers(*known), numbers(*known * moves_by))
    assert row["severity"] == "major" and row["psi"] > 1
    # A slight move counts by what is left of it, not by what a nudge took away.
    slight = moved(numbers(*known), numbers(*known * 1.02))
    assert 0 < slight["psi"] < row["psi"]


def test_a_feature_without_any_value_is_stable_while_it_has_none():
    nothing = numbers(*[np.nan] * 60)
    row = moved(nothing, nothing)
    assert (row["psi"], row["null_share"], row["severity"]) == (0, 1, "stable")
    row = moved(nothing, numbers(*range(60)))
    assert (row["null_share_before"], row["null_share"], row["severity"]) == (1, 0, "major")


def test_infinite_is_unknown():
    row = moved(numbers(*range(100)), numbers(*range(50), *[np.inf] * 50))
    assert (row["null_share"], row["severity"]) == (0.5, "major")


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_a_handful_proves_nothing(rows):
    many = numbers(*range(1000))
    handful = numbers(*[100, 500, 900][:rows])
    for before, now in ((many, handful), (handful, many)):
        assert moved(before, now)["severity"] == "stable"
    few = sources(a=rows)
    for before, now in ((sources(a=500, b=500), few), (few, sources(b=500))):
        assert moved(before, now, CATEGORY)["severity"] == "stable"


def test_a_feature_of_another_kind_or_unknown_to_the_reference_is_left_out():
    reference = drift.describe_distribution(sources(a=50), [CATEGORY])
    number = Feature("source", "scores", "none", "Source", "Source")
    frame = pd.DataFrame({"source": [1.0] * 50, "x": [1.0] * 50})
    assert drift.measure_drift(frame, [number, NUMBER], reference) == []


# Categories


def test_levels_under_the_floor_are_pooled_and_never_named():
    described = drift.describe_distribution(
        sources(search=40, social=12, rare=9, unknown=5), [CATEGORY]
    )
    assert described == {
        "source": {"levels": ["search", "social"], "counts": [40, 12, 9, 5]},
    }


def test_text_is_trimmed_and_empty_text_is_unknown():
    frame = pd.DataFrame({"source": [" a", "a "] * 10 + ["", " "] * 5 + [None] * 2})
    assert drift.describe_distribution(frame, [CATEGORY])["source"] == {
        "levels": ["a"],
        "counts": [20, 0, 12],
    }


def test_a_new_category_is_named_with_its_share():
    row = moved(sources(a=500, b=500), sources(a=450, b=450, podcast=100), CATEGORY)
    assert row["new_categories"] == ["podcast"]
    assert row["new_category_share"] == pytest.approx(0.1)
    assert row["severity"] == "major"  # PSI of 0.59, for nobody was in that bin before
    quiet = drift.DriftLimits(psi={"moderate": 8, "major": 9})
    row = moved(sources(a=500, b=500), sources(a=450, b=450, podcast=100), CATEGORY, limits=quiet)
    assert row["severity"] == "moderate"  # by the share alone


def test_a_category_that_was_rare_is_new_only_beyond_chance():
    """Nine of a thousand are pooled at the reference; twelve of a thousand are no other rate."""
    before = sources(a=991, podcast=9)
    assert moved(before, sources(a=988, podcast=12), CATEGORY)["new_categories"] == []
    assert moved(before, sources(a=900, podcast=100), CATEGORY)["new_categories"] == ["podcast"]


def test_a_category_of_a_handful_is_not_named():
    row = moved(sources(a=5000), sources(a=500, podcast=9), CATEGORY)
    assert row["new_categories"] == []


def test_by_chance_a_category_is_called_new_as_seldom_as_it_says():
    """A level of a share right at the limit is under the floor in one of twenty references."""
    share = critical_new_share(1000, 10, chance=0.05)
    below = np.random.default_rng(1).binomial(1000, share, size=20_000) < 10
    assert below.mean() == pytest.approx(0.05, abs=0.005)


# Unknown values


def test_the_test_of_unknown_values_is_that_of_chi_square_with_yates():
    """At the critical change scipy's p-value is the chance."""
    limit = critical_share_change(0.2, 400, 0.28, 300, chance=0.01)
    # A change of exactly the limit around the same pooled share.
    pooled = (0.2 * 400 + 0.28 * 300) / 700
    before, now = pooled - limit * 300 / 700, pooled + limit * 400 / 700
    table = [[before * 400, (1 - before) * 400], [now * 300, (1 - now) * 300]]
    assert chi2_contingency(table, correction=True).pvalue == pytest.approx(0.01, rel=1e-6)


def test_unknown_values_are_judged_beside_the_distribution():
    """Six points more unknown: a PSI of 0.04, and moderate all the same."""
    before, now = (
        numbers(*np.linspace(0, 1, 1000 - unknown), *[np.nan] * unknown) for unknown in (30, 90)
    )
    row = moved(before, now)
    assert row["null_change"] == pytest.approx(0.06)
    assert row["psi"] < 0.1
    assert row["severity"] == "moderate"
    fewer = moved(now, before)
    assert (round(fewer["null_change"], 6), fewer["severity"]) == (-0.06, "moderate")


# Severity


@pytest.mark.parametrize(
    ("changed", "severity"),
    [
        ({"psi": 0.1}, "stable"),
        ({"psi": 0.1001}, "moderate"),
        ({"psi": 0.25}, "moderate"),
        ({"psi": 0.2501}, "major"),
        ({"psi": 0.3, "critical": 0.3}, "stable"),
        ({"psi": 0.3, "critical": 0.2}, "major"),
        ({"null_change": -0.06}, "moderate"),
        ({"null_change": 0.21}, "major"),
        ({"null_change": 0.21, "null_critical": 0.21}, "stable"),
        ({"new_category_share": 0.05}, "stable"),
        ({"new_category_share": 0.06}, "moderate"),
        ({"new_category_share": 0.21}, "major"),
        ({"psi": 0.15, "new_category_share": 0.21}, "major"),
    ],
)
def test_severity_at_its_limits(changed, severity):
    row = {"psi": 0, "critical": 0, "null_change": 0, "null_critical": 0, "new_category_share": 0}
    assert drift.judge_severity({**row, **changed}) == severity


@pytest.mark.parametrize(
    "limits",
    [{"moderate": 0.3, "major": 0.2}, {"moderate": 0, "major": 0.2}, {"major": 0.2}, 0.25],
)
def test_limits_that_make_no_sense_are_refused_in_words(limits):
    with pytest.raises(SegmentationError, match="drift_psi is .*the smaller first"):
        drift.DriftLimits(psi=limits)


def test_a_step_as_large_as_the_one_before_is_seldom_called_larger():
    """Twice the same shift, 4000 times: beyond the limit as seldom as chance should be."""
    rng = np.random.default_rng(8)
    before, after = np.full(10, 0.1), np.array([0.05] * 5 + [0.15] * 5)
    counts = [rng.multinomial(600, shares, size=4000) for shares in (before, after) * 2]
    psi = [
        [drift.population_stability(e, a) for e, a in zip(expected, actual, strict=True)]
        for expected, actual in (counts[:2], counts[2:])
    ]
    critical = drift.critical_stability(10, 600, 600)
    limits = np.array([usual_limit(usual, critical, 600, 600) for usual in psi[0]])
    assert np.mean(np.array(psi[1]) > limits) <= 0.001
    # And a shift of half as much again is not taken for it.
    more = 0.1 + 1.8 * (after - 0.1)
    larger = drift.population_stability(10_000 * before, 10_000 * more)
    assert larger > np.median(limits)
