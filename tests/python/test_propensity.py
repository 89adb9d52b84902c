"""Propensity models: leakage, calibration, decisions, drivers and degenerate input."""

import hashlib
import io
import json
import zipfile

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from python_ext import frames, propensity
from python_ext.propensity import (
    _artefact,
    _calibration,
    _drivers,
    _folds,
    _metrics,
    _training,
)

FEATURES = ("recency_days", "frequency", "monetary", "noise")


def definitions(*features, off=()):
    names = list(features or FEATURES)
    return pd.DataFrame(
        {
            "feature": names,
            "source_table": ["web.events" if name in off else "shop.orders" for name in names],
            "view": "behaviour",
            "transform": ["none" if name == "noise" else "log" for name in names],
            "in_propensity": True,
            "label_en": [name.replace("_", " ").capitalize() for name in names],
            "label_fr": names,
        }
    )


CUTOFFS = {"train_2": "2024-01-01", "train_1": "2024-04-01", "test": "2024-07-01"}


def make_examples(customers=700, *, strength=1.5, seed=0, target="purchase", curved=False):
    """Rows whose true log-odds fall with recency and rise with frequency; monetary is a hole."""
    rng = np.random.default_rng(seed)
    parts = []
    for name, day in CUTOFFS.items():
        recency = rng.exponential(60, customers)
        frequency = 1 + rng.poisson(3, customers)
        score = (np.log1p(frequency) - 1.4) - (np.log1p(recency) - 3.6)
        if curved:
            score = np.where(np.abs(np.log1p(recency) - 3.6) < 0.8, 1.5, -1.5)
        odds = 1 / (1 + np.exp(-strength * score))
        parts.append(
            pd.DataFrame(
                {
                    "customer_key": [f"c{i:04d}" for i in range(customers)],
                    "cutoff_name": name,
                    "cutoff_on": pd.Timestamp(day),
                    "split": "test" if name == "test" else "train",
                    "target": target,
                    "label": rng.random(customers) < odds,
                    "recency_days": recency,
                    "frequency": frequency.astype(float),
                    "monetary": np.where(rng.random(customers) < 0.5, np.nan, 40.0),
                    "noise": rng.normal(size=customers),
                    "truth": odds,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def examples():
    return make_examples()


@pytest.fixture(scope="module")
def models(examples):
    return propensity.train_models(
        examples, definitions(), targets=["purchase"], horizon_days=91
    ).set_index("algorithm", drop=False)


def read(row):
    return propensity.read_artefact(row["artefact"], sha256=row["artefact_sha256"])


def metric(row, name, split="out_of_time"):
    found = [m for m in json.loads(row["metrics"]) if (m["split"], m["metric"]) == (split, name)]
    assert len(found) == 1
    return found[0]


def test_candidates_and_baselines_stand_side_by_side(models):
    assert models.index.tolist() == [
        "logistic_regression",
        "gradient_boosting",
        "recency_alone",
        "prevalence",
    ]
    assert models["is_champion"].sum() == 1
    assert models["model_id"].is_unique
    assert (models["trained_rows"] == 1400).all() and (models["test_rows"] == 700).all()
    table = frames.typed_table(models, propensity.MODELS_SCHEMA)
    assert table.num_rows == 4


def test_the_true_model_is_found_and_beats_the_baselines(examples, models):
    champion = models[models["is_champion"]].iloc[0]
    assert champion["algorithm"] == "logistic_regression"
    assert "the simpler one" in champion["reason"]
    test = examples[examples["split"] == "test"]
    ceiling = roc_auc_score(test["label"], test["truth"])
    auc = metric(champion, "auc")
    assert auc["value"] > ceiling - 0.02
    assert auc["ci_low"] < auc["value"] < auc["ci_high"]
    for name in ("recency_alone", "prevalence"):
        assert metric(models.loc[name], "log_loss")["value"] > metric(champion, "log_loss")["value"]
    assert metric(champion, "expected_calibration_error")["value"] < 0.06
    assert metric(models.loc["prevalence"], "lift_top_decile")["value"] == pytest.approx(1)


def test_boosting_wins_where_the_truth_is_curved():
    rows = make_examples(curved=True)
    models = propensity.train_models(rows, definitions(), targets=["purchase"])
    champion = models[models["is_champion"]].iloc[0]
    assert champion["algorithm"] == "gradient_boosting"
    assert "clearly better" in champion["reason"]


def test_without_signal_the_prevalence_stays_champion():
    rows = make_examples(strength=0.0, seed=3)
    models = propensity.train_models(rows, definitions(), targets=["purchase"])
    champion = models[models["is_champion"]].iloc[0]
    assert champion["algorithm"] == "prevalence"
    assert "no model beats the prevalence" in champion["reason"]
    scores = propensity.Champions.load(models).score(rows)
    train = rows[rows["split"] == "train"]["label"]
    assert scores["probability"].eq((train.sum() + 1) / (len(train) + 2)).all()
    assert scores["driver_1"].isna().all()


def test_metrics_published_are_those_of_the_scores(examples, models):
    test = examples[examples["split"] == "test"]
    for name in ("logistic_regression", "gradient_boosting", "recency_alone"):
        probability = read(models.loc[name]).score(test)
        row = models.loc[name]
        assert metric(row, "auc")["value"] == pytest.approx(
            roc_auc_score(test["label"], probability)
        )
        assert metric(row, "log_loss")["value"] == pytest.approx(
            log_loss(test["label"], probability)
        )
        assert metric(row, "average_precision")["value"] == pytest.approx(
            average_precision_score(test["label"], probability)
        )
        assert metric(row, "auc", "random_split")["ci_low"] is None


# Leakage


def test_nothing_is_learned_from_test_rows(examples, models):
    spoiled = examples.copy()
    late = spoiled["split"] == "test"
    spoiled.loc[late, ["recency_days", "frequency", "monetary"]] = [9e5, 7e4, 1e6]
    spoiled.loc[late, "label"] = ~spoiled.loc[late, "label"].astype(bool)
    again = propensity.train_models(spoiled, definitions(), targets=["purchase"]).set_index(
        "algorithm"
    )
    rows = examples[~late]
    for name in ("logistic_regression", "gradient_boosting", "recency_alone", "prevalence"):
        np.testing.assert_array_equal(
            read(models.loc[name]).score(rows), read(again.loc[name]).score(rows)
        )


def test_medians_come_from_training_rows(examples, models):
    train = examples[examples["split"] == "train"]
    model = read(models.loc["logistic_regression"])
    names = [feature.name for feature in model.features]
    np.testing.assert_allclose(model.medians, train[names].median())
    imputer = model.pipeline[0]
    expected = [
        train[f.name].median() if f.transform == "none" else np.log1p(train[f.name]).median()
        for f in model.features
    ]
    np.testing.assert_allclose(imputer.statistics_, expected)


def test_no_customer_stands_in_two_folds():
    rng = np.random.default_rng(0)
    group = rng.integers(0, 200, 1000).astype(str)
    label = rng.random(1000) < 0.2
    folds = _folds.grouped_folds(label, group, seed=1)
    for inside, outside in folds:
        assert not set(group[inside]) & set(group[outside])
        assert len(inside) + len(outside) == 1000
        assert abs(label[outside].mean() - label.mean()) < 0.04
    assert sorted(np.concatenate([outside for _, outside in folds])) == list(range(1000))


def test_a_customer_repeated_in_every_cutoff_teaches_nothing_across_folds():
    # Labels are a coin per customer and one feature tells customers apart: only a model that
    # saw the same customer in training could know.
    rows = make_examples(customers=400, strength=0.0)
    coin = np.random.default_rng(5).random(400) < 0.5
    rows["label"] = np.tile(coin, 3)
    rows["noise"] = np.tile(np.arange(400.0), 3)
    models = propensity.train_models(rows, definitions(), targets=["purchase"])
    boosting = models.set_index("algorithm").loc["gradient_boosting"]
    assert metric(boosting, "auc", "random_split")["value"] < 0.6


def test_a_training_window_must_close_before_the_test_cutoff(examples):
    with pytest.raises(ValueError, match="closes on 2024-07-02, after the test cutoff 2024-07-01"):
        propensity.train_models(examples, definitions(), targets=["purchase"], horizon_days=92)


def test_features_of_a_source_that_is_off_are_not_used(examples):
    rows = examples.assign(frequency=np.nan)
    models = propensity.train_models(
        rows, definitions(off=("frequency",)), sources={"web": False}, targets=["purchase"]
    )
    used = json.loads(models["features"].iloc[0])
    assert [feature["name"] for feature in used] == ["monetary", "noise", "recency_days"]
    assert "frequency" not in json.loads(models["parameters"].iloc[0])["dropped"]


# Determinism and artefacts


def test_row_order_changes_nothing(examples, models):
    shuffled = examples.sample(frac=1, random_state=9)
    again = propensity.train_models(
        shuffled, definitions()[::-1], targets=["purchase"], horizon_days=91
    ).set_index("algorithm", drop=False)
    pd.testing.assert_frame_equal(models, again)


def test_artefact_gives_the_same_scores_and_the_same_bytes(examples, models):
    for _, row in models.iterrows():
        model = read(row)
        assert model.to_bytes() == row["artefact"]
        assert model.model_id == row["model_id"]


def test_an_altered_artefact_is_refused(models):
    row = models.iloc[0]
    altered = bytearray(row["artefact"])
    altered[len(altered) // 2] ^= 1
    with pytest.raises(propensity.ArtefactError, match="altered"):
        propensity.read_artefact(bytes(altered), sha256=row["artefact_sha256"])


class Foreign:
    """A type that no artefact of ours holds."""


def test_an_unknown_type_is_refused_even_with_a_good_hash():
    artefact = skops.io.dumps({"format": _artefact.FORMAT, "pipeline": Foreign()})
    with pytest.raises(propensity.ArtefactError, match="Foreign"):
        propensity.read_artefact(artefact, sha256=hashlib.sha256(artefact).hexdigest())


def test_another_format_and_plain_rubbish_are_refused():
    other = skops.io.dumps({"format": "something else", "features": []})
    with pytest.raises(propensity.ArtefactError, match="format"):
        propensity.read_artefact(other, sha256=hashlib.sha256(other).hexdigest())
    with pytest.raises(propensity.ArtefactError, match="refused"):
        propensity.read_artefact(b"rubbish", sha256=hashlib.sha256(b"rubbish").hexdigest())


def test_artefacts_hold_no_memory_address_or_time(models):
    with zipfile.ZipFile(io.BytesIO(models.iloc[0]["artefact"])) as file:
        assert {member.date_time for member in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        ids = _artefact._MEMORY_ADDRESS.findall(file.read("schema.json").decode())
    assert max(int(number) for _, number in ids) <= len(ids)


def test_champions_must_be_one_per_target_and_their_own(models):
    two = models.assign(is_champion=True)
    with pytest.raises(propensity.ArtefactError, match="more than one champion"):
        propensity.Champions.load(two)
    swapped = models[models["is_champion"]].assign(model_id="0" * 16)
    with pytest.raises(propensity.ArtefactError, match="is of"):
        propensity.Champions.load(swapped)


# Degenerate input


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("one class", "training has 0 positive"),
        ("few rows", "training has"),
        ("no test", "the test cutoff has 0 positive and 0 negative rows"),
        ("no rows", "training has 0 positive and 0 negative rows"),
        ("no labels", "training has 0 positive and 0 negative rows"),
        ("two customers", "too few customers"),
        ("no features", "no feature has a value that differs"),
    ],
)
def test_what_cannot_be_learned_gets_the_prevalence_with_a_reason(examples, case, said):
    rows, seed = examples, definitions()
    if case == "one class":
        rows = rows.assign(label=False)
    elif case == "few rows":
        rows = rows[rows["customer_key"] < "c0040"]
    elif case == "no test":
        rows = rows[rows["split"] == "train"]
    elif case == "no rows":
        rows = rows.iloc[:0]
    elif case == "no labels":
        rows = rows.assign(label=None)
    elif case == "two customers":
        rows = rows.assign(customer_key=np.where(rows["label"].astype(bool), "yes", "no"))
    elif case == "no features":
        rows = rows.assign(**dict.fromkeys(FEATURES, np.nan))
    models = propensity.train_models(rows, seed, targets=["purchase"])
    assert models["algorithm"].tolist() == ["prevalence"]
    assert models["is_champion"].tolist() == [True]
    assert said in models["reason"][0]
    frames.typed_table(models, propensity.MODELS_SCHEMA)
    scores = propensity.Champions.load(models).score(examples)
    typed = frames.typed_table(scores, propensity.SCORES_SCHEMA).to_pandas()
    train = rows[rows["split"] == "train"]["label"].dropna().astype(bool)
    if len(train):
        assert typed["probability"].eq((train.sum() + 1) / (len(train) + 2)).all()
        assert typed["probability"].between(0, 1, inclusive="neither").all()
    else:
        assert not len(typed)


def test_each_target_gets_a_row_whatever_the_data(examples):
    models = propensity.train_models(examples, definitions(), targets=["purchase", "churn"])
    assert set(models["target"]) == {"purchase", "churn"}
    assert models.groupby("target")["is_champion"].sum().eq(1).all()


@pytest.mark.filterwarnings("error")
def test_holes_infinities_and_constants_do_no_harm(examples):
    rng = np.random.default_rng(1)
    rows = examples.copy()
    for column, hole in (("recency_days", np.inf), ("frequency", -np.inf), ("noise", np.nan)):
        rows.loc[rng.choice(len(rows), 100, replace=False), column] = hole
    rows = rows.assign(constant=1.0, unknown=np.nan, rare=np.where(rows.index == 3, 1.0, np.nan))
    seed = definitions(*FEATURES, "constant", "unknown", "rare")
    models = propensity.train_models(rows, seed, targets=["purchase"])
    dropped = json.loads(models["parameters"][0])["dropped"]
    assert set(dropped) == {"constant", "unknown", "rare"}
    scores = propensity.Champions.load(models).score(rows)
    assert scores["probability"].between(0, 1).all()


def test_scores_without_rows_keep_their_columns(models, examples):
    scores = propensity.Champions.load(models).score(examples.iloc[:0])
    assert frames.typed_table(scores, propensity.SCORES_SCHEMA).num_rows == 0


def test_batches_give_what_one_piece_gives(models, examples):
    champions = propensity.Champions.load(models)
    schema = propensity.SCORES_SCHEMA
    order = ("target", "cutoff_name", "customer_key")
    reader = frames.map_batches(
        None, examples, champions.score, schema, batch_rows=333, order_by=order
    )
    batched = reader.read_all().sort_by([(name, "ascending") for name in schema.key])
    assert batched.to_pylist() == frames.typed_table(champions.score(examples), schema).to_pylist()


# Calibration


def folds_of(rows):
    return np.arange(rows) % 3


@pytest.mark.parametrize(("rows", "method"), [(600, "sigmoid"), (9000, "isotonic")])
def test_calibration_improves_the_brier_score_of_a_miscalibrated_model(rows, method):
    rng = np.random.default_rng(2)
    odds = rng.normal(size=rows)
    truth = 1 / (1 + np.exp(-odds))
    label = rng.random(rows) < truth
    # Overconfident throughout, or wrong in a way no logistic curve can mend.
    wrong = (
        1 / (1 + np.exp(-3 * odds - 1))
        if method == "sigmoid"
        else np.where(truth > 0.5, 0.6 + 0.02 * truth, 0.1 * truth)
    )
    half = rows // 2
    chosen, judged = propensity.choose_calibration(wrong[:half], label[:half], folds_of(half))
    assert chosen == method
    calibrator = propensity.fit_calibrator(wrong[:half], label[:half], method=chosen)
    mended = propensity.calibrate(calibrator, wrong[half:])
    before, after = (((p - label[half:]) ** 2).mean() for p in (wrong[half:], mended))
    assert after < before - 0.01
    assert (judged != wrong[:half]).any()


def test_a_calibrated_model_is_left_alone():
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.05, 0.95, 4000)
    label = rng.random(4000) < truth
    chosen, judged = propensity.choose_calibration(truth, label, folds_of(4000))
    assert chosen == "none"
    np.testing.assert_array_equal(judged, truth)


def test_isotonic_needs_rows_and_is_never_certain():
    rng = np.random.default_rng(0)
    step = np.where(rng.random(1500) < 0.5, 0.2, 0.8)
    label = step > 0.5
    assert propensity.choose_calibration(step, label, folds_of(1500))[0] != "isotonic"
    model = propensity.fit_calibrator(step, label, method="isotonic")
    assert propensity.calibrate(model, np.array([0.0, 1.0])) == pytest.approx(
        [1 / (2 * np.sqrt(1500) + 2), 1 - 1 / (2 * np.sqrt(1500) + 2)]
    )
    with pytest.raises(ValueError, match="none of"):
        propensity.fit_calibrator(step, label, method="guess")


def test_calibration_across_folds_uses_the_other_folds():
    probability = np.array([0.2, 0.8, 0.2, 0.8] * 50)
    label = probability > 0.5
    fold = np.repeat([0, 1], 100)
    label[fold == 1] = ~label[fold == 1]
    judged = _calibration.calibrate_across_folds(probability, label, fold, method="isotonic")
    # Fold 0 learns from fold 1, where the relation is turned round.
    assert judged[0] == judged[1] == pytest.approx(0.5)


# Drivers


def test_drivers_of_the_linear_model_are_exact_and_of_the_right_sign(examples, models):
    model = read(models.loc["logistic_regression"])
    rows = examples.iloc[:60]
    effects = propensity.driver_effects(model, rows)
    names = [model.features[j].name for j in model.driver_features]
    base = model.pipeline.decision_function(_training.feature_matrix(rows, model.features))
    for place, name in enumerate(names):
        median = model.medians[[f.name for f in model.features].index(name)]
        changed = _training.feature_matrix(rows.assign(**{name: median}), model.features)
        expected = base - model.pipeline.decision_function(changed)
        np.testing.assert_allclose(effects[:, place], expected, atol=1e-10)
    late = rows["recency_days"] > examples[examples["split"] == "train"]["recency_days"].median()
    recency = effects[:, names.index("recency_days")]
    assert (recency[late] < 0).all() and (recency[~late] > 0).all()


def test_drivers_of_boosting_follow_the_truth(examples, models):
    model = read(models.loc["gradient_boosting"])
    rows = pd.DataFrame(
        {"recency_days": [1.0, 400.0], "frequency": [4.0, 4.0], "monetary": np.nan, "noise": 0.0}
    )
    table = propensity.driver_texts(model, rows)
    assert table["driver_1"].tolist() == ["Recency days 1: raises", "Recency days 400: lowers"]
    assert table["driver_1_effect"][0] > 0 > table["driver_1_effect"][1]
    size = table[[f"driver_{rank}_effect" for rank in (1, 2, 3)]].abs().fillna(0)
    assert (size["driver_1_effect"] >= size["driver_2_effect"]).all()


def test_a_customer_at_the_median_has_no_driver(models):
    model = read(models.loc["logistic_regression"])
    middle = pd.DataFrame([{f.name: m for f, m in zip(model.features, model.medians, strict=True)}])
    table = propensity.driver_texts(model, middle)
    assert table.isna().all().all()


def test_numbers_in_words():
    assert [_drivers._number(v) for v in (12.0, 0.23456, 1234.56, -3.14159, np.nan, 0.0)] == [
        "12",
        "0.235",
        "1235",
        "-3.14",
        "unknown",
        "0",
    ]


# Figures


def test_figures_by_hand():
    label = np.array([True, False, True, False])
    probability = np.array([0.9, 0.2, 0.6, 0.7])
    found = _metrics.judge(label, probability)
    assert found["auc"] == 0.75
    assert found["brier"] == pytest.approx((0.01 + 0.04 + 0.16 + 0.49) / 4)
    assert found["log_loss"] == pytest.approx(-np.log([0.9, 0.8, 0.6, 0.3]).mean())
    assert found["prevalence"] == 0.5
    assert found["expected_calibration_error"] == pytest.approx((0.1 + 0.2 + 0.4 + 0.7) / 4)
    assert found["rows"] == 4


def test_one_class_has_no_auc_and_a_constant_no_slope():
    found = _metrics.judge(np.zeros(20, dtype=bool), np.full(20, 0.1))
    assert np.isnan(found["auc"]) and np.isnan(found["lift_top_decile"])
    assert found["log_loss"] == pytest.approx(-np.log(0.9))
    both = _metrics.judge(np.arange(20) < 5, np.full(20, 0.25))
    assert np.isnan(both["calibration_slope"])
    assert both["lift_top_decile"] == pytest.approx(1)
    assert both["auc"] == 0.5


def test_lift_counts_the_top_tenth_and_shares_ties():
    label = np.arange(100) >= 80
    assert _metrics.lift_top_decile(label, label * 0.5) == pytest.approx(5)
    score = np.where(np.arange(100) >= 95, 0.9, 0.1)
    # Five of ten places are hits, the other five are shared by 95 rows of which 15 are hits.
    expected = (5 + 5 * 15 / 95) / 10 / 0.2
    assert _metrics.lift_top_decile(label, score) == pytest.approx(expected)


def test_certain_mistakes_cost_a_finite_loss():
    loss = _metrics.row_log_loss(np.array([True, False]), np.array([0.0, 1.0]))
    assert np.isfinite(loss).all() and loss.min() > 13


def test_the_interval_is_a_bootstrap_of_the_auc():
    rng = np.random.default_rng(0)
    score = np.round(rng.random(300), 1)
    label = rng.random(300) < score
    low, high = _metrics.auc_interval(label, score, resamples=50, seed=4)
    draws = np.random.default_rng(4)
    slow = []
    for _ in range(50):
        rows = draws.integers(0, 300, 300)
        slow.append(roc_auc_score(label[rows], score[rows]))
    np.testing.assert_allclose([low, high], np.quantile(slow, [0.025, 0.975]))


def test_the_long_table_holds_every_figure_once(models):
    table = propensity.list_metrics(models)
    typed = frames.typed_table(table, propensity.METRICS_SCHEMA).to_pandas()
    assert not typed.duplicated(["target", "algorithm", "split", "metric"]).any()
    assert len(typed) == 4 * 2 * 9
    assert typed["ci_low"].notna().sum() == 4
    champion = typed[typed["is_champion"]]
    assert champion["algorithm"].unique().tolist() == ["logistic_regression"]


def test_a_constant_at_the_true_rate_is_calibrated_whatever_the_order():
    label = np.arange(1000) < 320
    for order in (label, label[::-1]):
        found = _metrics.judge(order, np.full(1000, 0.32))
        assert found["expected_calibration_error"] == pytest.approx(0, abs=1e-12)


def test_without_training_rows_nothing_judges_itself():
    rows = make_examples()
    rows = rows[rows["split"] == "test"]
    models = propensity.train_models(rows, definitions(), targets=["purchase"])
    figures = propensity.list_metrics(models)
    assert set(figures["metric"]) == {"rows", "prevalence"}
