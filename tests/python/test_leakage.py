"""Planted leaks, each of which must be caught."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from python_ext import propensity
from python_ext.features import Feature, feature_frame
from python_ext.imputation import FeatureImputer
from python_ext.propensity import LeakageError, SearchBudget, _folds, _leakage, _preparation
from python_ext.propensity._encoding import FeatureEncoder

QUICK = SearchBudget(settings=1)


def number(name):
    return Feature(name, "v", "none", name, name)


def category(name):
    return Feature(name, "v", "none", name, name, kind="category")


def examples(customers=500, *, strength=1.0, seed=0):
    """Three cutoffs 90 days apart; the label depends on one feature with this strength."""
    rng = np.random.default_rng(seed)
    rows = 3 * customers
    signal = rng.normal(size=rows)
    return pd.DataFrame(
        {
            "customer_key": np.tile([f"c{i:04d}" for i in range(customers)], 3),
            "cutoff_on": np.repeat(
                pd.to_datetime(["2024-01-01", "2024-03-31", "2024-06-29"]), customers
            ),
            "split": np.repeat(["train", "train", "test"], customers),
            "label": rng.random(rows) < 1 / (1 + np.exp(-strength * signal)),
            "signal": signal,
            "other": np.where(rng.random(rows) < 0.3, np.nan, rng.normal(size=rows)),
        }
    )


def fit(rows, *features, **options):
    settings = {"settings": QUICK, "baseline": None, "algorithms": ("gradient_boosting",)}
    return propensity.fit_candidates(rows, features, **{**settings, **options})[0]


# A customer in two folds


def test_a_customer_in_two_folds_is_refused(monkeypatch):
    rows = examples()
    group = rows["customer_key"].to_numpy()
    by_row = [
        (np.flatnonzero(np.arange(1500) % 3 != f), np.flatnonzero(np.arange(1500) % 3 == f))
        for f in range(3)
    ]
    with pytest.raises(LeakageError, match="fold 0 divides 500 groups"):
        _folds.check_folds(by_row, group)
    monkeypatch.setattr(
        "python_ext.propensity._fitting.grouped_folds", lambda *args, **options: by_row
    )
    with pytest.raises(LeakageError, match="grouped_folds"):
        fit(rows, number("signal"))


def test_rows_that_no_fold_judges_are_refused():
    with pytest.raises(LeakageError, match="2 rows are judged by no fold, or by several"):
        _folds.check_folds([(np.array([2, 3]), np.array([0, 1]))], np.array([0, 0, 1, 1]))
    twice = [(np.array([2, 3]), np.array([0, 1])), (np.array([2, 3]), np.array([0, 1]))]
    with pytest.raises(LeakageError, match="4 rows"):
        _folds.check_folds(twice, np.array([0, 0, 1, 1]))


def test_customers_told_apart_by_a_feature_teach_nothing_across_folds():
    # The label is one coin per customer and a feature names the customer: knowing the customer
    # from another cutoff would be enough to be right.
    rng = np.random.default_rng(5)
    who = np.repeat(np.arange(200.0), 12)
    rows = pd.DataFrame(
        {
            "customer_key": who,
            "who": who,
            "label": (rng.random(200) < 0.5)[who.astype(int)],
            "signal": rng.normal(size=2400),
        }
    )
    grouped = fit(rows, number("who"), number("signal"), select=False)
    assert roc_auc_score(rows["label"], grouped.out_of_fold) < 0.56
    by_row = fit(rows, number("who"), number("signal"), group=None, select=False)
    assert roc_auc_score(rows["label"], by_row.out_of_fold) > 0.7


# Something fitted on all rows


@pytest.mark.parametrize(
    ("step", "method"),
    [
        (FeatureEncoder, "fit"),
        (FeatureImputer, "fit"),
        (_preparation.MinMaxScaler, "fit"),
        (_preparation.StandardScaler, "fit"),
    ],
)
def test_no_step_is_fitted_on_rows_it_is_judged_on(monkeypatch, step, method):
    rows = examples(201).assign(row=np.arange(603.0), shop=np.arange(603) % 40)
    rows["shop"] = rows["shop"].astype(str)
    seen, judged = [], []
    original = getattr(step, method)

    def spy(self, values, *args, **options):
        column = values["row"] if isinstance(values, pd.DataFrame) else values[:, 0]
        seen.append(np.asarray(column, dtype=float).copy())
        return original(self, values, *args, **options)

    monkeypatch.setattr(step, method, spy)
    if step is _preparation.StandardScaler:
        # What it is given would else be squeezed, and no longer name its row.
        monkeypatch.setattr(_preparation.MinMaxScaler, "transform", lambda self, values: values)
    transform = _preparation.Prepared.transform

    def judge(self, frame, reads):
        judged.append((len(seen), frame["row"].to_numpy()))
        return transform(self, frame, reads)

    monkeypatch.setattr(_preparation.Prepared, "transform", judge)
    fit(
        rows,
        number("row"),
        number("other"),
        category("shop"),
        algorithms=("logistic_regression",),
        select=False,
    )
    sizes = sorted({len(s) for s in seen})
    assert sizes == [402, 603]  # two folds of three, and at last all rows
    assert judged
    # Of each training part that was fitted, the rows judged with it are those it left out.
    parts = [set(s) for s in seen if len(s) == 402]
    for _, outside in judged:
        assert any(not part & set(outside) for part in parts)
        assert len(outside) == 201


@pytest.mark.parametrize("algorithm", propensity.ALGORITHMS)
def test_noise_with_many_levels_stays_at_a_half_out_of_fold(algorithm):
    # 300 levels of nothing: an encoder fitted with the judged rows' labels would find them back.
    rows = examples(600, strength=0.0)
    rng = np.random.default_rng(1)
    rows["shop"] = [f"s{n}" for n in rng.integers(0, 300, len(rows))]
    found = fit(rows, category("shop"), number("signal"), algorithms=(algorithm,), select=False)
    assert abs(roc_auc_score(rows["label"], found.out_of_fold) - 0.5) < 0.05
    # The same table with a leaky encoding, to show that there was something to find.
    leaky = FeatureEncoder(["shop"]).fit(rows[["shop"]], rows["label"])
    leaky.rates_[0] = rows.groupby("shop")["label"].mean().to_numpy()
    assert roc_auc_score(rows["label"], leaky.transform(rows[["shop"]])[:, 0]) > 0.7


def test_features_chosen_on_all_rows_would_look_better_than_they_are():
    # 120 columns of noise and 360 rows: choosing the best of them with the judged rows in view
    # (Ambroise and McLachlan 2002) ranks well; choosing inside the folds does not.
    rng = np.random.default_rng(2)
    rows = pd.DataFrame(rng.normal(size=(360, 120))).rename(columns="x{}".format)
    rows = rows.assign(label=rng.random(360) < 0.5, customer_key=np.arange(360))
    features = [number(f"x{j}") for j in range(120)]
    honest = fit(rows, *features, algorithms=("logistic_regression",))
    auc = roc_auc_score(rows["label"], honest.out_of_fold)
    strength = np.abs(np.corrcoef(rows[[f.name for f in features]].T, rows["label"])[-1, :-1])
    best = [features[j] for j in np.argsort(-strength)[:15]]
    peeked = fit(rows, *best, algorithms=("logistic_regression",), select=False)
    assert roc_auc_score(rows["label"], peeked.out_of_fold) > 0.62
    assert auc < 0.57


# Label windows


def test_overlapping_label_windows_are_refused():
    rows = examples()
    propensity.check_windows(rows, horizon_days=90)
    with pytest.raises(LeakageError, match="closes on 2024-06-30, after the test cutoff"):
        propensity.check_windows(rows, horizon_days=91)
    rows["label_ends_on"] = rows["cutoff_on"] + pd.Timedelta(days=90)
    propensity.check_windows(rows)
    rows.loc[600, "label_ends_on"] += pd.Timedelta(days=1)
    with pytest.raises(LeakageError, match="2024-06-30"):
        propensity.check_windows(rows)


def test_learn_refuses_labels_known_after_the_rows_held_back():
    rows = examples().assign(known_on=lambda t: t["cutoff_on"] + pd.Timedelta(days=91))
    options = {"label": "label", "time": "cutoff_on", "group": "customer_key"}
    with pytest.raises(LeakageError, match="after the test cutoff 2024-06-29"):
        propensity.learn(
            rows, features=["signal"], label_ends="known_on", test_share=0.34, **options
        )


# A feature that is the label, or comes from after the cutoff


def test_a_feature_made_from_the_label_is_refused_by_name():
    rows = examples()
    rng = np.random.default_rng(0)
    rows["orders_after"] = np.where(rows["label"], rng.integers(1, 9, 1500), 0).astype(float)
    rows["state"] = np.where(rows["label"], "won", "lost")
    with pytest.raises(LeakageError, match=r"orders_after \(1.000\), state \(1.000\) alone"):
        fit(rows, number("signal"), number("orders_after"), category("state"))
    with pytest.raises(LeakageError, match="orders_after"):
        propensity.learn(rows.drop(columns="state"), label="label", group="customer_key")
    kept = fit(rows, number("orders_after"), number("signal"), allowed=["orders_after"])
    assert "orders_after" in [f.name for f in kept.model.features]


@pytest.mark.parametrize("shape", ["falling", "in the middle", "where it is unknown"])
def test_a_leak_of_any_shape_is_found(shape):
    rows = examples()
    rng = np.random.default_rng(0)
    noise, label = rng.random(1500), rows["label"].to_numpy()
    rows["leak"] = {
        "falling": noise - 2 * label,
        "in the middle": np.where(label, 0.4 + 0.2 * noise, np.where(noise > 0.5, 1, -1) + noise),
        "where it is unknown": np.where(label, np.nan, noise),
    }[shape]
    with pytest.raises(LeakageError, match="leak"):
        fit(rows, number("signal"), number("leak"))


def test_a_strong_but_honest_feature_passes():
    rows = examples(strength=3.0)
    folds = propensity.grouped_folds(rows["label"].to_numpy(), rows["customer_key"].to_numpy())
    found = _leakage.single_feature_aucs(
        rows, [number("signal"), number("other")], label=rows["label"].to_numpy(), folds=folds
    )
    truth = roc_auc_score(rows["label"], rows["signal"])
    assert truth - 0.02 < found["signal"] < truth
    assert abs(found["other"] - 0.5) < 0.05
    propensity.check_features(rows, [number("signal")], label=rows["label"].to_numpy(), folds=folds)


def test_a_feature_that_counts_events_after_the_cutoff_is_refused():
    rows = examples()
    rows["last_event_at"] = rows["cutoff_on"] - pd.Timedelta(seconds=1)
    propensity.check_event_times(rows)
    rows.loc[[4, 900], "last_event_at"] = rows.loc[[4, 900], "cutoff_on"]
    with pytest.raises(LeakageError, match="features of 2 rows count events"):
        propensity.check_event_times(rows)


def test_nothing_is_learned_from_rows_held_back():
    rows = examples()
    options = {
        "label": "label",
        "features": ["signal", "other"],
        "time": "cutoff_on",
        "group": "customer_key",
        "settings": QUICK,
        "algorithms": ("logistic_regression", "gradient_boosting"),
        "resamples": 0,
    }
    one = propensity.learn(rows, **options)
    spoiled = rows.copy()
    late = rows["split"] == "test"
    spoiled.loc[late, ["signal", "other"]] = 9e9
    spoiled.loc[late, "label"] = ~spoiled.loc[late, "label"]
    other = propensity.learn(spoiled, **options)
    assert one.is_test.tolist() == late.tolist()
    for left, right in zip(one.candidates, other.candidates, strict=True):
        assert left.model.to_bytes() == right.model.to_bytes()


def test_a_feature_frame_holds_nothing_fitted():
    rows = examples()
    part = feature_frame(rows.iloc[:10], [number("other")])
    pd.testing.assert_frame_equal(part, feature_frame(rows, [number("other")]).iloc[:10])
