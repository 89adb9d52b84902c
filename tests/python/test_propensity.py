"""Propensity models at work: what a run stores, artefacts, calibration and degenerate input."""

import hashlib
import io
import json
import zipfile
from datetime import date

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.metrics import roc_auc_score

from python_ext import frames, propensity
from python_ext.propensity import _artefact, _calibration

AS_OF = date(2024, 9, 30)
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


def train(examples, seeds=None, **options):
    """Rows of the registry of a first run, by algorithm."""
    features = examples.drop(columns=["label", "target"])
    labels = examples[["customer_key", "cutoff_name", "cutoff_on", "split", "target", "label"]]
    wanted = pd.DataFrame(
        [{"target": "purchase", "at_least": 1, "contact_cost": 0.5, "hit_gain": 8}]
    )
    rows = propensity.run_propensity(
        features,
        labels,
        definitions() if seeds is None else seeds,
        wanted,
        None,
        as_of=AS_OF,
        horizon_days=91,
        algorithms=["logistic_regression", "gradient_boosting"],
        search={"settings": 1},
        **options,
    )
    stored = frames.typed_table(rows, propensity.MODELS_SCHEMA).to_pandas()
    return stored.set_index("algorithm", drop=False)


@pytest.fixture(scope="module")
def models(examples):
    return train(examples)


def read(row):
    return propensity.read_artefact(row["artefact"], sha256=row["artefact_sha256"])


def metric(row, name, split="out_of_time"):
    found = [m for m in json.loads(row["metrics"]) if (m["split"], m["metric"]) == (split, name)]
    assert len(found) == 1
    return found[0]


def test_the_true_model_is_found_and_beats_the_baselines(examples, models):
    champion = models[models["is_champion"]].iloc[0]
    assert champion["algorithm"] == "logistic_regression"
    test = examples[examples["split"] == "test"]
    ceiling = roc_auc_score(test["label"], test["truth"])
    auc = metric(champion, "auc")
    assert auc["value"] > ceiling - 0.02
    assert auc["ci_low"] < auc["value"] < auc["ci_high"]
    for name in ("recency_alone", "prevalence"):
        assert metric(models.loc[name], "log_loss")["value"] > metric(champion, "log_loss")["value"]
        assert metric(champion, f"gain_over_{name}")["ci_low"] > 0
    assert metric(champion, "calibration_error_debiased")["value"] < 0.04


def test_boosting_wins_where_the_truth_is_curved():
    models = train(make_examples(curved=True))
    champion = models[models["is_champion"]].iloc[0]
    assert champion["algorithm"] == "gradient_boosting"
    assert "the lowest of 2 candidates" in champion["reason"]


def test_features_of_a_source_that_is_off_are_not_used(examples):
    rows = examples.assign(frequency=np.nan)
    models = train(rows, definitions(off=("frequency",)), sources={"web": False})
    used = {feature["name"] for feature in json.loads(models["features"].iloc[0])}
    assert "recency_days" in used and "frequency" not in used
    assert "frequency" not in json.loads(models["parameters"].iloc[0])["dropped"]


@pytest.mark.filterwarnings("error")
def test_holes_infinities_and_constants_do_no_harm(examples):
    rng = np.random.default_rng(1)
    rows = examples.copy()
    for column, hole in (("recency_days", np.inf), ("frequency", -np.inf), ("noise", np.nan)):
        rows.loc[rng.choice(len(rows), 100, replace=False), column] = hole
    rows = rows.assign(constant=1.0, unknown=np.nan, rare=np.where(rows.index == 3, 1.0, np.nan))
    models = train(rows, definitions(*FEATURES, "constant", "unknown", "rare"))
    dropped = json.loads(models.loc["logistic_regression", "parameters"])["dropped"]
    assert {"constant", "unknown", "rare"} <= set(dropped)
    scores = propensity.Champions.load(models).score(rows)
    assert scores["probability"].between(0, 1).all()


# Scores


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


# Artefacts


def test_an_artefact_gives_the_same_bytes_again(models):
    for _, row in models[models["artefact"].notna()].iterrows():
        model = read(row)
        assert model.to_bytes() == row["artefact"]
        assert model.model_id == row["model_id"]


def test_an_altered_artefact_is_refused(models):
    row = models.loc["logistic_regression"]
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
    with zipfile.ZipFile(io.BytesIO(models.loc["logistic_regression", "artefact"])) as file:
        assert {member.date_time for member in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        ids = _artefact._MEMORY_ADDRESS.findall(file.read("schema.json").decode())
    assert max(int(number) for _, number in ids) <= len(ids)


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
