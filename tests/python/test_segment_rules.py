"""The surrogate tree: rules that say what they do, judged on customers they did not see."""

import numpy as np
import pandas as pd
import pytest

from python_ext import clustering, frames
from python_ext.clustering import _surrogate

DEFINITIONS = pd.DataFrame(
    {
        "feature": ["frequency", "web_order_share", "margin"],
        "source_table": "shop.orders",
        "view": "behaviour",
        "transform": ["log", "none", "log"],
        "in_propensity": False,
        "imputation": "median",
        "label_en": ["Purchase days", "Share of orders on the web", "Margin"],
        "label_fr": ["Jours d'achat", "Part des commandes web", "Marge"],
    }
)
WORDS = pd.DataFrame({"feature": ["web_order_share"], "unit": ["percent"]})


def features(view="all", names=("frequency", "web_order_share")):
    return pd.DataFrame({"view": view, "feature": list(names)})


def made(n=3000, noise=0.0, seed=2):
    """Segment 1: at most 5 days; 2: more, mostly in the shop; 3: more, mostly on the web."""
    rng = np.random.default_rng(seed)
    days, web = rng.integers(1, 12, n).astype(float), rng.random(n)
    segment = np.where(days <= 5, 1, np.where(web <= 0.4, 2, 3))
    wrong = rng.random(n) < noise
    segment[wrong] = rng.integers(1, 4, wrong.sum())
    keys = [f"k{i:05d}" for i in range(n)]
    frame = pd.DataFrame(
        {"customer_key": keys, "frequency": days, "web_order_share": web, "margin": np.nan}
    )
    return frame, pd.DataFrame({"view": "all", "customer_key": keys, "segment_id": segment})


def explain(frame, clusters, view_features=None, **options):
    found = clustering.explain_segments(
        clusters,
        frame,
        DEFINITIONS,
        features() if view_features is None else view_features,
        feature_words=WORDS,
        **options,
    )
    frames.typed_table(found, clustering.RULES_SCHEMA)
    return found


def test_planted_rules_are_found_and_read_well():
    frame, clusters = made()
    rules = explain(frame, clusters).set_index("segment_id")
    assert rules.loc[1, "rule_en"] == "Purchase days at most 5"
    assert (
        rules.loc[2, "rule_en"] == "Purchase days over 5 and share of orders on the web at most 40%"
    )
    assert (
        rules.loc[3, "rule_fr"]
        == "Jours d'achat : plus de 5 ; part des commandes web : plus de 40 %"
    )
    assert rules["fidelity"].gt(0.99).all() and rules["depth"].eq(3).all()
    counts = clusters["segment_id"].value_counts()
    for number, row in rules.iterrows():
        assert row["customers"] == pytest.approx(counts[number], abs=15)
        assert row["precision"] > 0.98 and row["recall"] > 0.98
    assert rules["customers"].sum() == len(frame)


def test_the_figures_are_those_of_the_rules_on_customers_held_out():
    frame, clusters = made(noise=0.3)
    rules = explain(frame, clusters)
    order = np.argsort(_surrogate._position(frame["customer_key"]), kind="stable")
    held = order[np.arange(len(order)) % 10 < 3]
    assert rules["held_out_customers"].eq(len(held)).all()
    assert rules["fitted_customers"].eq(len(frame) - len(held)).all()
    days, web = frame["frequency"].to_numpy(), frame["web_order_share"].to_numpy()
    told = np.where(days <= 5, 1, np.where(web <= 0.4, 2, 3))[held]
    truth = clusters["segment_id"].to_numpy()[held]
    assert rules["fidelity"][0] == pytest.approx((told == truth).mean(), abs=0.02)
    assert rules["majority_share"][0] == pytest.approx(np.bincount(truth).max() / len(held))
    one = rules[rules["segment_id"] == 1]
    assert one["recall"].sum() == pytest.approx((told == 1)[truth == 1].mean(), abs=0.03)


def test_structureless_labels_are_not_retold():
    frame, clusters = made(noise=1.0)
    rules = explain(frame, clusters)
    if len(rules):
        assert rules["fidelity"][0] < rules["majority_share"][0] + 0.05


def test_unknown_values_are_said():
    frame, clusters = made()
    rng = np.random.default_rng(0)
    known = rng.random(len(frame)) < 0.6
    frame["margin"] = np.where(known, rng.random(len(frame)), np.nan)
    clusters["segment_id"] = np.where(known, 1, 2)
    view = features(names=("margin", "frequency"))
    rules = explain(frame, clusters, view).set_index("segment_id")
    assert rules.loc[2, ["rule_en", "rule_fr"]].tolist() == ["Margin unknown", "Marge : inconnu"]
    assert rules.loc[1, "rule_en"] == "Margin known"
    assert rules.loc[1, "customers"] == known.sum()


def test_every_customer_meets_exactly_one_rule():
    frame, clusters = made(noise=0.2)
    frame.loc[::7, "web_order_share"] = np.nan
    rules = _surrogate._rules(
        frame[["frequency", "web_order_share"]].to_numpy(), clusters["segment_id"].to_numpy(), 4, 1
    )
    met = sum(
        rule.holds(frame[["frequency", "web_order_share"]].to_numpy()).astype(int) for rule in rules
    )
    assert (met == 1).all()


@pytest.mark.parametrize(
    ("threshold", "values", "told"),
    [
        (4.5, [1.0, 4.0, 5.0], 4.0),
        (0.4449, list(np.linspace(0, 1, 5000)), 0.44),
        (0.9951, [0.99, 1.0] * 50, 0.995),
        (123456.0, [100000.5, 150000.0], 120000.0),
    ],
)
def test_thresholds_are_rounded_as_far_as_it_moves_hardly_anybody(threshold, values, told):
    assert _surrogate._readable(threshold, np.array(values)) == pytest.approx(told)


def test_one_segment_or_no_feature_has_no_rules():
    frame, clusters = made(200)
    assert explain(frame, clusters.assign(segment_id=1)).empty
    assert explain(frame, clusters, features(view="taste")).empty
    assert explain(frame, clusters, features(names=("margin",))).empty
