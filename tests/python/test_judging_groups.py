"""Whom a model is good for: figures within groups, what is flagged, and what is chance."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from python_ext import frames, propensity
from python_ext.errors import SegmentationError
from python_ext.propensity import _groups, _resampling

MONEY = {"contact_cost": 1.0, "hit_gain": 5.0}


def customers(rows=6000, seed=0, groups=("a", "b", "c")):
    rng = np.random.default_rng(seed)
    probability = rng.beta(1.5, 3, rows)
    return pd.DataFrame(
        {
            "customer_key": [f"c{i}" for i in range(rows)],
            "label": rng.random(rows) < probability,
            "probability": probability,
            "gender": rng.choice(list(groups), rows),
            "segment": rng.choice(["1", "2"], rows),
        }
    )


def judged(frame, **options):
    options = {"attributes": ["gender"], "fairness": ["gender"], **MONEY, **options}
    return propensity.judge_groups(frame, **options).set_index(["attribute", "group_value"])


FLAGS = ["is_ranked_worse", "is_miscalibrated", "is_selected_less", "is_found_less"]


# Figures


def test_figures_of_a_group_are_those_of_its_rows():
    frame = customers()
    table = judged(frame)
    row, own = table.loc[("gender", "b")], frame[frame["gender"] == "b"]
    rest = frame[frame["gender"] != "b"]
    chosen, others = own["probability"] > 0.2, rest["probability"] > 0.2
    assert row["customers"] == len(own) and row["hits"] == own["label"].sum()
    assert row["prevalence"] == pytest.approx(own["label"].mean())
    assert row["predicted"] == pytest.approx(own["probability"].mean())
    assert row["calibration_gap"] == pytest.approx(row["predicted"] - row["prevalence"])
    assert row["auc"] == pytest.approx(roc_auc_score(own["label"], own["probability"]))
    assert row["selection_rate"] == pytest.approx(chosen.mean())
    assert row["selection_rate_ratio"] == pytest.approx(chosen.mean() / others.mean())
    assert row["true_positive_rate"] == pytest.approx(chosen[own["label"]].mean())
    assert row["equal_opportunity_difference"] == pytest.approx(
        chosen[own["label"]].mean() - others[rest["label"]].mean()
    )
    everybody = table.loc[("all", "all")]
    assert everybody["customers"] == len(frame) == table.loc["gender"]["customers"].sum()
    assert np.isnan(everybody["selection_rate_ratio"])
    assert (
        frames.typed_table(
            table.reset_index().assign(target="t", model_id="m"), propensity.GROUPS_SCHEMA
        ).num_rows
        == 4
    )


def test_delong_by_hand_and_against_the_spread_of_many_samples():
    # Hanley's small example: hits at 3 and 2, misses at 1, 2 and 0.
    label = np.array([1, 1, 0, 0, 0], dtype=bool)
    score = np.array([0.3, 0.2, 0.1, 0.2, 0.0])
    auc, error = _groups._delong(_resampling.pool(label, score))
    assert auc == pytest.approx((3 + 2.5) / 6)
    of_hits, of_misses = np.array([1, 2.5 / 3]), np.array([1, 0.75, 1])
    expected = of_hits.var(ddof=1) / 2 + of_misses.var(ddof=1) / 3
    assert error == pytest.approx(np.sqrt(expected))
    found, claimed = [], []
    for seed in range(300):
        frame = customers(300, seed=seed)
        pooled = _resampling.pool(frame["label"].to_numpy(), frame["probability"].to_numpy())
        auc, error = _groups._delong(pooled)
        found.append(auc)
        claimed.append(error)
    assert np.mean(claimed) == pytest.approx(np.std(found), rel=0.12)


def test_the_interval_of_the_auc_covers_it():
    rng = np.random.default_rng(4)
    truth = stats.norm.cdf(1 / np.sqrt(2))
    covered = 0
    for _ in range(200):
        label = np.arange(120) < 40
        score = stats.norm.cdf(rng.normal(label.astype(float), 1))
        row = judged(pd.DataFrame({"label": label, "probability": score, "gender": "a"})).iloc[0]
        covered += row["auc_ci_low"] <= truth <= row["auc_ci_high"]
    assert 182 <= covered <= 199


def test_the_promised_auc_is_what_comes_of_true_probabilities():
    rng = np.random.default_rng(5)
    p = np.round(rng.beta(1, 2, 60), 1)
    pairs = [
        (p[i] * (1 - p[j]), 1.0 if p[i] > p[j] else 0.5 if p[i] == p[j] else 0.0)
        for i in range(60)
        for j in range(60)
        if i != j
    ]
    by_hand = sum(w * s for w, s in pairs) / sum(w for w, _ in pairs)
    found = _groups._promised_auc(_resampling.pool(np.zeros(60, dtype=bool), p))
    assert found == pytest.approx(by_hand)
    many = rng.beta(1, 2, 2000)
    drawn = [roc_auc_score(rng.random(2000) < many, many) for _ in range(50)]
    promised = _groups._promised_auc(_resampling.pool(np.zeros(2000, dtype=bool), many))
    assert promised == pytest.approx(np.mean(drawn), abs=0.005)


def test_selection_is_tested_by_fisher_and_corrected_by_holm():
    inside = np.arange(100) < 30
    selected = np.r_[np.arange(30) < 6, np.arange(70) < 35]
    found = _groups._treatment(inside, np.ones(100, dtype=bool), selected, level=0.95, least=10)
    expected = stats.fisher_exact([[6, 24], [35, 35]], alternative="less").pvalue
    assert found["p_is_selected_less"] == pytest.approx(expected)
    assert found["p_is_found_less"] == pytest.approx(expected)
    corrected = _groups._holm(np.array([0.01, np.nan, 0.04, 0.03]))
    np.testing.assert_allclose(corrected, [0.03, np.nan, 0.06, 0.06])


# What is flagged


def test_a_group_that_is_wronged_is_flagged_and_the_others_are_not():
    frame = customers()
    wronged = frame["gender"] == "b"
    frame.loc[wronged, "probability"] *= 0.5
    table = judged(frame)
    row = table.loc[("gender", "b")]
    assert row[["is_miscalibrated", "is_selected_less", "is_found_less"]].all()
    assert not row["is_ranked_worse"]  # halving keeps the order
    assert not table.loc[[("gender", "a"), ("gender", "c")], FLAGS].any(axis=None)
    assert row["reading_en"].startswith("Promises too little: predicted 17 %, happened 3")
    assert "times as often as the others" in row["reading_en"]
    assert "Of those for whom it happens" in row["reading_en"]
    ratio = f"{row['selection_rate_ratio']:.2f}".replace(".", ",")
    assert f"Retenu {ratio} fois" in row["reading_fr"]


def test_a_group_that_cannot_be_told_apart_is_flagged():
    frame = customers()
    blind = (frame["gender"] == "a").to_numpy()
    rng = np.random.default_rng(1)
    frame.loc[blind, "probability"] = rng.permutation(frame.loc[blind, "probability"])
    table = judged(frame)
    assert table["is_ranked_worse"].loc["gender"].to_dict() == {"a": True, "b": False, "c": False}
    row = table.loc[("gender", "a")]
    told = f"AUC {row['auc']:.2f}, by its own probabilities {row['auc_promised']:.2f}"
    assert told in row["reading_en"] and row["auc"] < 0.55 < row["auc_promised"]
    assert f"AUC {row['auc']:.2f}".replace(".", ",") in row["reading_fr"]


def test_people_much_alike_are_no_fault_of_the_model():
    """A group whose probabilities hardly differ has a low AUC, as it must, and no flag."""
    rng = np.random.default_rng(2)
    frame = customers()
    alike = (frame["gender"] == "c").to_numpy()
    frame.loc[alike, "probability"] = rng.uniform(0.28, 0.32, alike.sum())
    frame.loc[alike, "label"] = rng.random(alike.sum()) < frame.loc[alike, "probability"]
    row = judged(frame).loc[("gender", "c")]
    assert row["auc"] < 0.56 and not row["is_ranked_worse"]


def test_noise_is_seldom_flagged_however_many_groups_are_looked_at():
    names = [f"r{i}" for i in range(40)]
    limits = {"auc": 0, "calibration": 0, "selection_ratio": 1, "opportunity": 0}
    alarms = pd.DataFrame(
        judged(customers(8000, seed=run, groups=names), limits=limits)[FLAGS].any()
        for run in range(60)
    )
    # Each flag has its own 5 %, and everybody's row two looks of its own.
    assert (alarms.mean() <= 0.17).all(), alarms.mean()
    assert alarms.any(axis=None)  # some are: the limits of size do not hide all


def test_what_is_sure_but_small_is_not_flagged():
    frame = customers(60_000)
    frame.loc[frame["gender"] == "a", "probability"] *= 0.97
    assert not judged(frame)[FLAGS].any(axis=None)
    strict = judged(frame, limits={"calibration": 0.001})
    assert strict.loc[("gender", "a"), "is_miscalibrated"]


def test_unequal_selection_is_asked_about_people_only():
    frame = customers()
    frame.loc[frame["segment"] == "1", "probability"] *= 0.5
    table = judged(frame, attributes=["segment", "gender"])
    row = table.loc[("segment", "1")]
    assert row["selection_rate_ratio"] < 0.8 and row["is_miscalibrated"]
    assert not row["is_selected_less"] and not row["is_found_less"]


# Too few, unknown, nothing


def test_too_few_are_said_to_be_too_few():
    frame = customers(3000)
    frame.loc[:98, "gender"] = "few"
    frame.loc[100:299, ["gender", "label"]] = ["rare", False]
    frame.loc[100:108, "label"] = True
    frame.loc[:98, "probability"] = 0.01
    table = judged(frame)
    for name in ("few", "rare"):
        row = table.loc[("gender", name)]
        assert row["is_too_small"] and not row[FLAGS].any()
        assert row["reading_en"].startswith("Too few to judge")
        assert row["reading_fr"].startswith("Trop peu nombreux")
    # Nine hits: no ranking and no true positive rate of so few.
    assert table.loc[("gender", "rare"), ["auc", "true_positive_rate"]].isna().all()
    assert table.loc[("gender", "rare"), "customers"] == 200
    assert not judged(frame, limits={"rows": 50}).loc[("gender", "few"), "is_too_small"]


def test_the_unknown_are_a_group():
    frame = customers(900)
    frame.loc[:299, "gender"] = None
    table = judged(frame)
    assert table.loc[("gender", "(unknown)"), "customers"] == 300
    assert table.loc["gender"]["customers"].sum() == 900


def test_a_group_that_is_everybody_is_no_group():
    """Said once, in the row of everybody, whether or not the one value is known."""
    frame = customers(900).assign(gender=None, segment="1")
    frame["probability"] *= 0.5
    both = {"attributes": ["gender", "segment"]}
    table = judged(frame, **both)
    assert table.index.tolist() == [("all", "all")]
    assert table.loc[("all", "all"), "is_miscalibrated"]
    # One customer of another kind makes two groups of them.
    frame.loc[0, "gender"] = "a"
    assert set(judged(frame, **both).loc["gender"].index) == {"a", "(unknown)"}


def test_without_money_nobody_is_selected_and_nobody_passed_over():
    table = judged(customers(), contact_cost=None)
    assert table[["selection_rate", "true_positive_rate"]].isna().all(axis=None)
    assert not table[["is_selected_less", "is_found_less"]].any(axis=None)
    assert table["auc"].notna().all()


def test_one_class_a_constant_and_nobody():
    frame = customers(600)
    never = judged(frame.assign(label=False))
    assert never["auc"].isna().all() and never["is_too_small"].all()
    constant = judged(frame.assign(probability=frame["label"].mean()))
    assert constant.loc[("all", "all"), "auc"] == 0.5
    assert constant["auc_ci_low"].isna().all() and not constant["is_ranked_worse"].any()
    sure = judged(frame.assign(probability=frame["label"].astype(float)))
    assert sure.loc[("all", "all"), "auc"] == 1 and not sure[FLAGS].any(axis=None)
    assert len(judged(frame.iloc[:0])) == 0


def test_mistakes_are_named():
    with pytest.raises(SegmentationError, match="columns \\['region'\\]"):
        judged(customers(50), attributes=["region"])
    with pytest.raises(SegmentationError, match="limits \\['colour'\\]"):
        judged(customers(50), limits={"colour": 1})
    frame = customers(50).assign(target="t", model_id="m")
    with pytest.raises(SegmentationError, match="fairness_attributes names \\['colour'\\]"):
        propensity.judge_all_groups(
            frame, frame.iloc[:0], frame, frame.iloc[:0], fairness=["gender", "colour"]
        )


# The table of the warehouse


def test_groups_of_every_target_with_segments_and_attributes():
    frame = customers(1200)
    scored = frame[["customer_key", "label", "probability"]].assign(target="t", model_id="m")
    targets = pd.DataFrame({"target": ["t"], "contact_cost": [1.0], "hit_gain": [5.0]})
    attributes = frame.loc[200:, ["customer_key", "gender"]]
    segments = pd.DataFrame({"customer_key": frame["customer_key"][:900], "segment_id": 7})
    table = propensity.judge_all_groups(scored, targets, attributes, segments, fairness=["gender"])
    sizes = table.set_index(["attribute", "group_value"])["customers"]
    assert sizes["all"].tolist() == [1200]
    assert sizes["segment"].to_dict() == {"7": 900, "(unknown)": 300}
    assert sizes[("gender", "(unknown)")] == 200
    assert frames.typed_table(table, propensity.GROUPS_SCHEMA).num_rows == len(table)
    none = propensity.judge_all_groups(
        scored, targets, attributes, segments.iloc[:0], fairness=["gender"]
    )
    assert set(none["attribute"]) == {"all", "gender"}
    nobody = propensity.judge_all_groups(
        scored.iloc[:0], targets, attributes, segments, fairness=["gender"]
    )
    assert frames.typed_table(nobody, propensity.GROUPS_SCHEMA).num_rows == 0


def test_the_floor_is_never_under_k():
    frame = customers(400)
    rare = frame.index < 150
    frame.loc[rare, "gender"] = "rare"
    frame.loc[rare, "label"] = np.arange(150) < 15
    scored = frame[["customer_key", "label", "probability"]].assign(target="t", model_id="m")
    targets = pd.DataFrame({"target": ["t"], "contact_cost": [1.0], "hit_gain": [5.0]})
    options = {"fairness": ["gender"], "limits": {"hits": 5}}
    rates = {
        k: propensity.judge_all_groups(
            scored, targets, frame, frame.iloc[:0], least_customers=k, **options
        ).set_index("group_value")["true_positive_rate"]["rare"]
        for k in (10, 20)
    }
    assert rates[10] == rates[10] and np.isnan(rates[20])
