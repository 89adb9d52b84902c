"""Drivers of scores and importances of features: known truth, sums and degenerate rows."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss
from test_propensity import definitions, make_examples, read

from python_ext import frames, propensity
from python_ext.features import Feature
from python_ext.propensity import _importance, _scoring
from python_ext.propensity._shapley import Explanation


@pytest.fixture(scope="module")
def examples():
    return make_examples()


@pytest.fixture(scope="module")
def models(examples):
    return propensity.train_models(
        examples, definitions(), targets=["purchase"], horizon_days=91
    ).set_index("algorithm", drop=False)


def as_champion(models, algorithm):
    rows = models.assign(is_champion=models["algorithm"] == algorithm)
    return propensity.Champions.load(rows)


ALGORITHMS = ("logistic_regression", "gradient_boosting")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_base_drivers_and_the_rest_add_up_to_the_log_odds(models, examples, algorithm):
    scores = as_champion(models, algorithm).score(examples)
    effects = scores[[f"driver_{rank}_effect" for rank in (1, 2, 3)]].fillna(0).sum(axis=1)
    total = scores["base_log_odds"] + effects + scores["other_effect"]
    np.testing.assert_allclose(total, scores["log_odds"], atol=1e-9)
    model = read(models.loc[algorithm])
    np.testing.assert_allclose(scores["probability"], model.score(examples), atol=1e-12)


def test_effects_of_the_regression_are_coefficient_times_distance(models, examples):
    model = read(models.loc["logistic_regression"])
    rows = examples.iloc[:60]
    explanation = propensity.explain(model, rows)
    middle = pd.DataFrame([{f.name: m for f, m in zip(model.features, model.medians, strict=True)}])
    for place, feature in enumerate(model.features):
        changed = pd.concat([middle] * len(rows), ignore_index=True)
        changed[feature.name] = rows[feature.name].to_numpy()
        expected = propensity.explain(model, changed).total - explanation.base
        np.testing.assert_allclose(explanation.effects[:, place], expected, atol=1e-9)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_drivers_follow_the_truth(models, algorithm):
    rows = pd.DataFrame(
        {
            "customer_key": ["early", "late"],
            "cutoff_name": "score",
            "target": "purchase",
            "recency_days": [1.0, 400.0],
            "frequency": [4.0, 4.0],
            "monetary": np.nan,
            "noise": 0.0,
        }
    )
    scores = as_champion(models, algorithm).score(rows)
    assert scores["driver_1_feature"].tolist() == ["recency_days", "recency_days"]
    assert scores["driver_1_value"].tolist() == [1.0, 400.0]
    assert scores["driver_1_effect"][0] > 0.5 and scores["driver_1_effect"][1] < -0.5


def test_a_customer_like_the_reference_has_no_driver(models):
    model = read(models.loc["logistic_regression"])
    middle = {f.name: m for f, m in zip(model.features, model.medians, strict=True)}
    row = pd.DataFrame([{**middle, "customer_key": "c", "cutoff_name": "score"}])
    score = as_champion(models, "logistic_regression").score(row.assign(target="purchase"))
    drivers = [name for name in propensity.DRIVER_COLUMNS if name.startswith("driver_")]
    assert score[drivers].isna().all().all()
    assert score["other_effect"].tolist() == [0.0]
    assert score["log_odds"].tolist() == pytest.approx(score["base_log_odds"].tolist())


def test_the_strongest_three_are_named_with_value_or_level():
    features = [
        Feature(name, "behaviour", "none", name, name)
        for name in ("basket", "device", "orders", "recency")
    ]
    frame = pd.DataFrame(
        {
            "basket": [10.5, np.inf, 3.0],
            "device": [1.0, 2.0, np.nan],
            "orders": pd.array([3, None, 5], dtype="Int64"),
            "recency": [7.0, 8.0, 9.0],
        }
    )
    effects = np.array([[0.5, -1.0, 0.1, 0.7], [0.2, 0.0, 0.0, 0.0], [0.3, -0.3, 0.3, 0.0]])
    found = propensity.top_drivers(
        Explanation(["b", "d", "o", "r"], -1.0, effects), frame, features
    )
    assert found["driver_1_feature"].tolist() == ["device", "basket", "basket"]
    assert found["driver_2_feature"].tolist() == ["recency", None, "device"]
    assert found["driver_3_feature"].tolist() == ["basket", None, "orders"]
    # Infinite and unknown values are unknown.
    assert found["driver_1_value"].isna().tolist() == [False, True, False]
    assert found["driver_2_value"].isna().tolist() == [False, True, True]
    assert found["driver_3_value"].fillna(-1).tolist() == [10.5, -1, 5.0]
    assert found["other_effect"].tolist() == pytest.approx([0.1, 0.0, 0.0])
    assert found["base_log_odds"].eq(-1.0).all()


def test_a_level_is_named_as_it_is():
    class Category:
        """A category feature."""

        name, kind = "device", "category"

    frame = pd.DataFrame({"device": ["mobile", None]})
    explanation = Explanation(["device"], 0.0, np.array([[0.4], [-0.2]]))
    found = propensity.top_drivers(explanation, frame, [Category()])
    assert found["driver_1_level"].tolist() == ["mobile", None]
    assert found["driver_1_feature"].tolist() == ["device", "device"]
    assert found["driver_1_value"].isna().all()


def test_drivers_of_no_rows_keep_their_columns(models, examples):
    scores = propensity.Champions.load(models).score(examples.iloc[:0])
    assert frames.typed_table(scores, propensity.SCORES_SCHEMA).num_rows == 0


# Which champion scores


def test_the_champion_of_the_latest_build_scores():
    rows = pd.DataFrame(
        {
            "target": ["purchase", "purchase", "churn", "purchase"],
            "model_id": ["old", "new", "only", "loser"],
            "is_champion": [True, True, True, False],
            "as_of_date": pd.to_datetime(["2024-01-01", "2024-04-01", "2024-01-01", "2024-04-01"]),
        }
    )
    assert sorted(_scoring.latest_champions(rows)["model_id"]) == ["new"]
    assert sorted(_scoring.latest_champions(rows.drop(columns="as_of_date"))["model_id"]) == [
        "new",
        "old",
        "only",
    ]


# Importances


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_importance_follows_the_truth(models, examples, algorithm):
    model = read(models.loc[algorithm])
    test = examples[examples["split"] == "test"]
    found = propensity.importances(model, test, test["label"], dropped={"constant": "one value"})
    typed = frames.typed_table(found, propensity.IMPORTANCES_SCHEMA).to_pandas()
    table = typed.set_index("feature")
    assert table.loc["recency_days", "importance_rank"] == 1
    assert table.loc["frequency", "importance_rank"] == 2
    assert table.loc["recency_days", "direction"] == "lowers"
    assert table.loc["frequency", "direction"] == "raises"
    assert table.loc["recency_days", "ci_low"] > 0
    assert table.loc["noise", "ci_low"] < 0.005 and table.loc["noise", "importance"] < 0.01
    assert table.loc["constant", "dropped_because"] == "one value"
    assert not table.loc["constant", "is_used"]
    assert np.isnan(table.loc["constant", "importance"])


def test_importance_is_the_rise_of_the_log_loss(models, examples):
    """Against the plain way: exchange the values in the frame, score again, compare."""
    model = read(models.loc["gradient_boosting"])
    test = examples[examples["split"] == "test"]
    label = test["label"].to_numpy(dtype=bool)
    found = propensity.importances(model, test, label, repeats=2, seed=5).set_index("feature")
    rng = np.random.default_rng(5)
    orders = [rng.permutation(len(test)) for _ in range(2)]
    before = log_loss(label, model.score(test))
    for name in ("recency_days", "monetary"):
        after = []
        for order in orders:
            changed = test.assign(**{name: test[name].to_numpy()[order]})
            after.append(log_loss(label, model.score(changed)))
        assert found.loc[name, "importance"] == pytest.approx(np.mean(after) - before, abs=1e-9)


def test_importance_of_no_rows_and_of_the_prevalence(models, examples):
    model = read(models.loc["logistic_regression"])
    empty = propensity.importances(model, examples.iloc[:0], np.empty(0, dtype=bool))
    assert empty["importance"].isna().all() and empty["is_used"].all()
    prevalence = read(models.loc["prevalence"])
    assert not len(propensity.importances(prevalence, examples, examples["label"]))


def test_importances_are_seeded_and_rows_are_capped(models, examples):
    model = read(models.loc["gradient_boosting"])
    one, two, three = (
        propensity.importances(model, examples, examples["label"], max_rows=500, seed=seed)
        for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(one, two)
    assert (one["importance"] != three["importance"]).any()
    assert one["judged_rows"].eq(500).all()


def test_importances_of_all_champions(models, examples):
    champions = propensity.Champions.load(models)
    found = champions.importances(models, examples[examples["split"] == "test"])
    assert set(found["target"]) == {"purchase"}
    assert set(found["feature"]) >= {"recency_days", "frequency"}


@pytest.mark.parametrize(
    ("effect", "direction"),
    [
        ([0.1, 0.2, 0.3, 0.4], "raises"),
        ([4.0, 3.0, 2.0, 1.0], "lowers"),
        ([1.0, -1.0, -1.0, 1.0], "mixed"),
        ([0.0, 0.0, 0.0, 0.0], None),
        ([0.5, 0.5, 0.5, 0.5], None),
    ],
)
def test_direction_is_the_sign_of_the_association(effect, direction):
    feature = Feature("orders", "behaviour", "none", "Orders", "Commandes")
    frame = pd.DataFrame({"orders": [1.0, 2.0, 3.0, 10.0]})
    assert _importance._direction(feature, frame, np.array(effect)) == direction
