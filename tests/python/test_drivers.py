"""Drivers of scores and importances of features: known truth, sums and degenerate rows."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

from python_ext import frames, propensity
from python_ext.features import Feature
from python_ext.propensity import _importance
from python_ext.propensity._scoring import Champions
from python_ext.propensity._shapley import Explanation

FEATURES = [
    Feature("frequency", "behaviour", "log", "Orders", "Commandes"),
    Feature("main_device", "behaviour", "none", "Device", "Appareil", True, "flag", "category"),
    Feature("monetary", "behaviour", "log", "Spent", "Dépensé", imputation="flag"),
    Feature("noise", "behaviour", "none", "Noise", "Bruit"),
    Feature("postcode", "behaviour", "none", "Area", "Zone", True, "flag", "category"),
    Feature("recency_days", "behaviour", "log", "Recency", "Récence"),
]
BUDGET = propensity.SearchBudget(settings=1)


def make_examples(customers=1500, *, seed=0):
    """Log-odds fall with recency, rise with frequency, on a mobile, and where spending is unknown.

    One of 30 areas buys more than the others: a category of many levels.
    """
    rng = np.random.default_rng(seed)
    recency, frequency = rng.exponential(60, customers), 1.0 + rng.poisson(3, customers)
    device = rng.choice(np.array(["mobile", "desktop", "tablet"], dtype=object), customers)
    area = np.array([f"area {i:02d}" for i in rng.integers(0, 30, customers)], dtype=object)
    spent = np.where(rng.random(customers) < 0.4, np.nan, rng.exponential(50, customers))
    odds = 1.5 * ((np.log1p(frequency) - 1.4) - (np.log1p(recency) - 3.6))
    odds += (device == "mobile") * 1.0 + np.isnan(spent) * 0.8 + (area == "area 07") * 2.0
    device[rng.random(customers) < 0.05] = None
    return pd.DataFrame(
        {
            "customer_key": [f"c{i:05d}" for i in range(customers)],
            "cutoff_name": "score",
            "target": "purchase",
            "label": rng.random(customers) < 1 / (1 + np.exp(-odds)),
            "recency_days": recency,
            "frequency": frequency,
            "monetary": spent,
            "noise": rng.normal(size=customers),
            "main_device": device,
            "postcode": area,
        }
    )


@pytest.fixture(scope="module")
def examples():
    return make_examples()


@pytest.fixture(scope="module")
def models(examples):
    fitted = propensity.fit_candidates(
        examples, FEATURES, target="purchase", settings=BUDGET, select=False, seed=1
    )
    return {candidate.algorithm: candidate.model for candidate in fitted}


def score(models, algorithm, rows):
    return Champions({"purchase": models[algorithm]}).score(rows)


ALGORITHMS = propensity.ALGORITHMS


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_base_drivers_and_the_rest_add_up_to_the_log_odds(models, examples, algorithm):
    scores = score(models, algorithm, examples)
    effects = scores[[f"driver_{rank}_effect" for rank in (1, 2, 3)]].fillna(0).sum(axis=1)
    total = scores["base_log_odds"] + effects + scores["other_effect"]
    np.testing.assert_allclose(total, scores["log_odds"], atol=1e-9)
    model = models[algorithm]
    np.testing.assert_allclose(scores["log_odds"], model.log_odds(examples), atol=1e-9)
    np.testing.assert_allclose(scores["probability"], model.score(examples), atol=1e-9)


def test_effects_of_the_regression_are_coefficient_times_distance(models, examples):
    model = models["logistic_regression"]
    rows = examples.iloc[:60]
    explanation = propensity.explain(model, rows)
    middle = pd.DataFrame([{f.name: m for f, m in zip(model.features, model.typical, strict=True)}])
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
            "monetary": 50.0,
            "noise": 0.0,
            "main_device": "desktop",
            "postcode": "area 01",
        }
    )
    scores = score(models, algorithm, rows)
    assert scores["driver_1_feature"].tolist() == ["recency_days", "recency_days"]
    assert scores["driver_1_value"].tolist() == [1.0, 400.0]
    assert scores["driver_1_effect"][0] > 0.5 and scores["driver_1_effect"][1] < -0.5


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_customer_like_the_reference_has_no_driver(models, algorithm):
    model = models[algorithm]
    middle = {f.name: m for f, m in zip(model.features, model.typical, strict=True)}
    row = pd.DataFrame([{**middle, "customer_key": "c", "cutoff_name": "score"}])
    found = score(models, algorithm, row.assign(target="purchase"))
    drivers = [name for name in propensity.DRIVER_COLUMNS if name.startswith("driver_")]
    assert found[drivers].isna().all().all()
    assert found["other_effect"].tolist() == [0.0]
    assert found["log_odds"].tolist() == pytest.approx(found["base_log_odds"].tolist())


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


def test_what_is_the_same_for_everybody_is_no_driver():
    features = [
        Feature("season", "calendar", "none", "S", "S"),
        Feature("a", "v", "none", "A", "A"),
    ]
    frame = pd.DataFrame({"season": [1.0, 1.0], "a": [2.0, 3.0]})
    effects = np.array([[-2.0, 0.5], [-2.0, 0.0]])
    found = propensity.top_drivers(Explanation(["s", "a"], 0.5, effects), frame, features)
    assert found["driver_1_feature"].tolist() == ["a", None]
    assert found["driver_2_feature"].isna().all()
    assert found["other_effect"].tolist() == [-2.0, -2.0]


def test_a_level_is_named_as_it_is():
    feature = Feature("device", "behaviour", "none", "D", "A", True, "flag", "category")
    frame = pd.DataFrame({"device": ["mobile", None]})
    explanation = Explanation(["device"], 0.0, np.array([[0.4], [-0.2]]))
    found = propensity.top_drivers(explanation, frame, [feature])
    assert found["driver_1_level"].tolist() == ["mobile", None]
    assert found["driver_1_feature"].tolist() == ["device", "device"]
    assert found["driver_1_value"].isna().all()


def test_drivers_of_no_rows_keep_their_columns(models, examples):
    scores = score(models, "gradient_boosting", examples.iloc[:0])
    assert frames.typed_table(scores, propensity.SCORES_SCHEMA).num_rows == 0


@pytest.mark.parametrize("algorithm", [*ALGORITHMS, "prevalence"])
def test_batches_give_what_one_piece_gives(models, examples, algorithm):
    champions, schema = Champions({"purchase": models[algorithm]}), propensity.SCORES_SCHEMA
    order = ("target", "cutoff_name", "customer_key")
    reader = frames.map_batches(
        None, examples, champions.score, schema, batch_rows=333, order_by=order
    )
    batched = reader.read_all().sort_by([(name, "ascending") for name in schema.key])
    whole = frames.typed_table(champions.score(examples), schema)
    assert batched.to_pylist() == whole.to_pylist()


def test_the_prevalence_has_a_score_and_no_driver(models, examples):
    scores = score(models, "prevalence", examples)
    assert scores["probability"].nunique() == 1
    assert scores["driver_1_feature"].isna().all()
    assert (scores["log_odds"] == scores["base_log_odds"]).all()
    assert scores["other_effect"].eq(0.0).all()


def test_an_artefact_read_back_explains_alike(models, examples):
    for algorithm in ALGORITHMS:
        data = models[algorithm].to_bytes()
        again = propensity.read_artefact(data, sha256=hashlib.sha256(data).hexdigest())
        pd.testing.assert_frame_equal(
            score({algorithm: again}, algorithm, examples.iloc[:50]),
            score(models, algorithm, examples.iloc[:50]),
        )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_feature_of_several_columns_is_one_player(models, examples, algorithm):
    """Levels, rates and flags: with every other feature like the reference, all is its own."""
    model = models[algorithm]
    names = [feature.name for feature in model.features]
    middle = dict(zip(names, model.typical, strict=True))
    for name, value in (("main_device", "mobile"), ("monetary", np.nan), ("postcode", "area 07")):
        row = pd.DataFrame([{**middle, name: value}])
        explanation = propensity.explain(model, row)
        alone = model.log_odds(row)[0] - model.log_odds(pd.DataFrame([middle]))[0]
        place = names.index(name)
        assert explanation.effects[0, place] == pytest.approx(alone, abs=1e-9)
        assert np.abs(np.delete(explanation.effects[0], place)).max() < 1e-9
        if algorithm in ("logistic_regression", "gradient_boosting"):
            assert alone > 0.05


# Importances


@pytest.fixture(scope="module")
def later():
    return make_examples(900, seed=9)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_importance_follows_the_truth(models, later, algorithm):
    found = propensity.importances(
        models[algorithm], later, later["label"], dropped={"constant": "one value in training"}
    )
    table = frames.typed_table(found, propensity.IMPORTANCES_SCHEMA).to_pandas()
    table = table.set_index("feature")
    assert table.loc["recency_days", "importance_rank"] == 1
    assert table.loc["recency_days", "direction"] == "lowers"
    assert table.loc["frequency", "direction"] == "raises"
    assert table.loc["main_device", "direction"] is None
    assert table.loc["recency_days", "ci_low"] > 0.01
    assert table.loc["noise", "importance"] < 0.1 * table.loc["recency_days", "importance"]
    assert table.loc["constant", "dropped_because"] == "one value in training"
    assert not table.loc["constant", "is_used"]
    assert np.isnan(table.loc["constant", "importance"])
    assert table["importance_rank"].dropna().tolist() != []


@pytest.mark.parametrize("algorithm", ["logistic_regression", "gradient_boosting"])
def test_importance_is_the_rise_of_the_log_loss(models, later, algorithm):
    """Against the plain way: exchange the values in the frame, score again, compare."""
    model, label = models[algorithm], later["label"].to_numpy(dtype=bool)
    found = propensity.importances(model, later, label, repeats=2, seed=5).set_index("feature")
    rng = np.random.default_rng(5)
    orders = [rng.permutation(len(later)) for _ in range(2)]
    before = log_loss(label, model.score(later))
    for name in ("recency_days", "monetary", "main_device", "postcode"):
        after = [
            log_loss(label, model.score(later.assign(**{name: later[name].to_numpy()[order]})))
            for order in orders
        ]
        assert found.loc[name, "importance"] == pytest.approx(np.mean(after) - before, abs=1e-9)


def test_the_interval_of_an_importance_covers_what_more_rows_give(models):
    model = models["logistic_regression"]
    many = make_examples(20_000, seed=20)
    truth = propensity.importances(model, many, many["label"], max_rows=20_000, repeats=2)
    expected = truth.set_index("feature").loc["recency_days", "importance"]
    covered = 0
    for seed in range(40):
        few = make_examples(400, seed=100 + seed)
        row = propensity.importances(model, few, few["label"]).set_index("feature")
        row = row.loc["recency_days"]
        covered += row["ci_low"] <= expected <= row["ci_high"]
    assert covered >= 35, covered


def test_importance_of_no_rows_and_of_the_prevalence(models, examples):
    model = models["logistic_regression"]
    empty = propensity.importances(model, examples.iloc[:0], np.empty(0, dtype=bool))
    assert empty["importance"].isna().all() and empty["is_used"].all()
    nothing = propensity.importances(models["prevalence"], examples, examples["label"])
    assert nothing.columns.tolist() == list(propensity.IMPORTANCES_SCHEMA) and nothing.empty


def test_importances_are_seeded_and_rows_are_capped(models, examples):
    model = models["gradient_boosting"]
    one, two, three = (
        propensity.importances(model, examples, examples["label"], max_rows=500, seed=seed)
        for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(one, two)
    assert (one["importance"] != three["importance"]).any()
    assert one["judged_rows"].eq(500).all()


def test_importances_of_all_champions_with_what_was_dropped(models, later):
    champions = Champions({"purchase": models["gradient_boosting"], "other": models["prevalence"]})
    rows = pd.DataFrame(
        {
            "model_id": [models["gradient_boosting"].model_id, models["prevalence"].model_id],
            "parameters": ['{"dropped": {"tenure": "it does not help"}}', None],
        }
    )
    order = later.sample(frac=1, random_state=0)
    found = champions.importances(rows, order)
    pd.testing.assert_frame_equal(found, champions.importances(rows, later))
    assert set(found["target"]) == {"purchase"}
    assert found.loc[~found["is_used"], "feature"].tolist() == ["tenure"]
    assert set(found["feature"]) == {feature.name for feature in FEATURES} | {"tenure"}


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
