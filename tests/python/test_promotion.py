"""The rules of the registry on their own: promotion, policy, fingerprints, tracking."""

import sys
import types
from datetime import date

import numpy as np
import pandas as pd
import pytest

from python_ext.features import Feature
from python_ext.propensity import _fingerprints, _tracking
from python_ext.propensity._examples import LabelledRows
from python_ext.propensity._fingerprints import code_fingerprint, data_fingerprint
from python_ext.propensity._policy import RetrainPolicy, decide_retrain, describe_settings
from python_ext.propensity._promotion import (
    Contender,
    choose_champion,
    paired_gain,
    simplest_of_the_best,
)
from python_ext.propensity._targets import Target

ROWS = 400
RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=ROWS)
NOISE = (NOISE - NOISE.mean()) / NOISE.std(ddof=1)


def contender(name, mean, *, noise=0.0, base=0.0):
    """A model whose loss differs from ``base`` by a mean with a known standard error."""
    return Contender(name, f"{name}_algorithm", 1 + base + mean + noise * np.sqrt(ROWS) * NOISE)


PREVALENCE = Contender("prevalence", "prevalence", np.full(ROWS, 2.0))


# Promotion


def test_the_paired_gain_has_the_standard_error_of_the_mean():
    gain, error = paired_gain(np.zeros(ROWS), contender("a", -1.3, noise=0.2).loss)
    assert gain == pytest.approx(0.3) and error == pytest.approx(0.2)
    assert np.isnan(paired_gain(np.array([1.0]), np.array([2.0]))).all()


@pytest.mark.parametrize(("error", "chosen"), [(0.011, "simple"), (0.009, "complex")])
def test_the_simpler_stands_where_the_best_is_within_one_standard_error(error, chosen):
    simple, best = contender("simple", 0.0), contender("complex", -0.01, noise=error)
    assert simplest_of_the_best([simple, best]).model_id == chosen
    # A third one that is far off changes nothing, wherever it stands.
    assert simplest_of_the_best([contender("far", 0.5), simple, best]).model_id == chosen


@pytest.mark.parametrize(
    ("candidates", "errors", "is_promoted"),
    [(1, 1.7, True), (1, 1.6, False), (5, 2.4, True), (5, 2.2, False)],
)
def test_the_best_of_many_must_be_better_by_more(candidates, errors, is_promoted):
    """One-sided 5 %: 1.645 standard errors for one candidate, 2.326 for the best of five."""
    best = contender("best", -0.01 * errors, noise=0.01)
    others = [contender(f"other_{i}", 0.5) for i in range(candidates - 1)]
    incumbent = contender("old", 0.0)
    verdict = choose_champion([*others, best], PREVALENCE, incumbent=incumbent)
    assert verdict.is_promoted is is_promoted
    assert verdict.champion == ("best" if is_promoted else "old")
    assert verdict.challenger == ("old" if is_promoted else "best")
    asked = "1.64" if candidates == 1 else "2.33"
    for name in ("best", "old"):
        assert f"{asked} standard errors are asked" in verdict.reasons[name]
        assert f"{0.01 * errors:.4f} less than champion old" in verdict.reasons[name]


def test_a_champion_gives_way_to_noise_in_at_most_one_of_twenty_runs():
    """Five candidates as good as the champion, 2,000 times: the best of them is rarely promoted."""
    rng = np.random.default_rng(5)
    runs, promoted = 2000, 0
    for _ in range(runs):
        common = rng.exponential(size=150)
        drawn = [common + rng.normal(scale=0.3, size=150) for _ in range(6)]
        models = [Contender(str(i), "algorithm", loss) for i, loss in enumerate(drawn)]
        prevalence = Contender("prevalence", "prevalence", common + 5)
        promoted += choose_champion(models[1:], prevalence, incumbent=models[0]).is_promoted
    assert 0.005 < promoted / runs < 0.05


def test_a_clearly_better_challenger_is_promoted_in_nearly_every_run():
    rng = np.random.default_rng(6)
    promoted = 0
    for _ in range(200):
        common = rng.exponential(size=150)
        old = Contender("old", "algorithm", common + rng.normal(scale=0.3, size=150))
        new = Contender("new", "algorithm", common - 0.2 + rng.normal(scale=0.3, size=150))
        prevalence = Contender("prevalence", "prevalence", common + 5)
        promoted += choose_champion([new], prevalence, incumbent=old).is_promoted
    assert promoted > 195


def test_what_does_not_beat_the_prevalence_is_no_champion():
    weak = Contender("weak", "tree", 2 - 0.01 + 0.01 * np.sqrt(ROWS) * NOISE)
    verdict = choose_champion([weak], PREVALENCE)
    assert verdict.champion == "prevalence" and verdict.challenger == "weak"
    assert "does not beat the prevalence beyond noise" in verdict.reasons["weak"]
    assert "no model beats the prevalence beyond noise" in verdict.reasons["prevalence"]
    # Nor does the prevalence push a champion aside that is as good.
    verdict = choose_champion([weak], PREVALENCE, incumbent=contender("old", 1.0))
    assert verdict.champion == "old" and not verdict.is_promoted
    # But it does one that is clearly worse.
    verdict = choose_champion([weak], PREVALENCE, incumbent=contender("old", 1.5))
    assert verdict.champion == "prevalence" and verdict.is_promoted


# Against the prevalence, out of time and out of fold

SEEN = 4  # train cutoffs at which each customer is seen
ASKED_OF_FIVE = 2.326


def stand(losses, models, *, tested, algorithm="tree"):
    """Contenders of rows of which the first are those out of time."""
    kinds = ["prevalence", *[algorithm] * (len(models) - 1)]
    return [
        Contender(name, kind, loss[:tested], loss[tested:])
        for name, kind, loss in zip(models, kinds, losses, strict=True)
    ]


def whose(tested, trained):
    """Each customer once out of time, and at every train cutoff."""
    return np.concatenate([np.arange(tested), np.tile(np.arange(trained), SEEN)])


def log_loss(happened, chance):
    return -np.log(np.where(happened, chance, 1 - chance))


def people(rng, *, tested, trained, holds=True):
    """A model that knows 1 in log-odds of everybody, and whether it holds out of time."""
    customers = whose(tested, trained)
    odds = rng.normal(size=max(tested, trained))[customers]
    chance = 1 / (1 + np.exp(-odds))
    came = np.where((np.arange(len(odds)) < tested) & (not holds), 0.5, chance)
    happened = rng.random(len(odds)) < came
    losses = [log_loss(happened, 0.5), log_loss(happened, chance)]
    return stand(losses, ["prevalence", "model"], tested=tested), customers


def test_models_of_noise_leave_the_prevalence_in_at_least_nineteen_of_twenty_runs():
    """Five models no better than it. What a customer is like stays so from cutoff to cutoff."""
    rng = np.random.default_rng(8)
    tested, trained, runs = 186, 220, 400
    customers = whose(tested, trained)
    by_customer, by_row = 0, 0
    for _ in range(runs):
        base = rng.exponential(size=len(customers))
        alike = rng.normal(size=(6, trained)) + rng.normal(size=trained)
        drawn = base + 0.2 * alike[:, customers] + 0.1 * rng.normal(size=(6, len(customers)))
        drawn[0] = base
        prevalence, *models = stand(drawn, ["prevalence", *"abcde"], tested=tested)
        verdict = choose_champion(models, prevalence, customers=customers)
        by_customer += verdict.champion != "prevalence"
        by_row += choose_champion(models, prevalence).champion != "prevalence"
    assert by_customer / runs <= 0.05
    # Rows of a customer taken for strangers would promise a certainty that is not there.
    assert by_row / runs > 0.05


def test_a_true_signal_is_not_refused_for_a_small_test_cutoff():
    rng = np.random.default_rng(9)
    runs, chosen, alone = 100, 0, 0
    for _ in range(runs):
        (prevalence, model), customers = people(rng, tested=60, trained=220)
        chosen += choose_champion([model], prevalence, customers=customers).champion == "model"
        gain, error = paired_gain(prevalence.loss, model.loss)
        alone += gain > ASKED_OF_FIVE * error
    assert chosen > 95 > 70 > alone


def test_a_signal_of_the_past_is_refused_however_sure_it_was():
    rng = np.random.default_rng(10)
    runs, refused = 100, 0
    for _ in range(runs):
        (prevalence, model), customers = people(rng, tested=186, trained=220, holds=False)
        gain, error = paired_gain(prevalence.out_of_fold, model.out_of_fold, whose(0, 220))
        assert gain > ASKED_OF_FIVE * error
        refused += choose_champion([model], prevalence, customers=customers).champion != "model"
    assert refused >= 95


def test_chance_in_the_test_rows_is_refused_where_training_speaks_against_it():
    (prevalence, model), customers = people(np.random.default_rng(11), tested=400, trained=40)
    assert choose_champion([model], prevalence, customers=customers).champion == "model"
    worse = Contender("model", "tree", model.loss, prevalence.out_of_fold + 0.01)
    assert choose_champion([worse], prevalence, customers=customers).champion == "prevalence"


def test_the_reason_tells_both_parts_of_the_evidence():
    (prevalence, model), customers = people(np.random.default_rng(12), tested=186, trained=220)
    verdict = choose_champion([model], prevalence, customers=customers)
    for losses in (("loss",), ("out_of_fold",), ("loss", "out_of_fold")):
        other, own = (
            np.concatenate([getattr(c, part) for part in losses]) for c in (prevalence, model)
        )
        group = {"loss": customers[:186], "out_of_fold": customers[186:]}
        gain, error = paired_gain(other, own, np.concatenate([group[part] for part in losses]))
        assert f"{gain:.4f} less" in verdict.reasons["model"]
        assert f"(standard error {error:.4f}" in verdict.reasons["model"]
    assert "on 186 test rows" in verdict.reasons["model"]
    assert "on 880 training rows" in verdict.reasons["model"]


def test_between_two_prevalences_the_rows_of_training_say_nothing():
    # Today's is the rate of these very rows: there it cannot but be better.
    (_, model), customers = people(np.random.default_rng(13), tested=186, trained=220)
    today = Contender("today", "prevalence", model.loss, np.full(len(model.out_of_fold), 0.5))
    before = Contender("before", "prevalence", model.loss + 0.01, today.out_of_fold + 0.2)
    same = Contender("before", "prevalence", model.loss - 1e-4, today.out_of_fold + 0.2)
    for incumbent, stays in ((before, False), (same, True)):
        found = choose_champion([], today, incumbent=incumbent, customers=customers)
        assert (found.champion == "before") is stays
        assert "out of fold" not in " ".join(found.reasons.values())


def test_a_prevalence_that_was_champion_is_no_model_that_must_be_beaten_out_of_time_alone():
    rng = np.random.default_rng(13)
    (prevalence, model), customers = people(rng, tested=60, trained=220)
    gain, error = paired_gain(prevalence.loss, model.loss)
    assert 0 < gain < ASKED_OF_FIVE * error
    others = [Contender(n, "tree", model.loss + 1, model.out_of_fold + 1) for n in "abcd"]
    before = Contender("before", "prevalence", prevalence.loss, prevalence.out_of_fold)
    found = choose_champion([model, *others], prevalence, incumbent=before, customers=customers)
    assert found.champion == "model" and found.is_promoted
    # A model that scores gives way only out of time, whatever training rows say.
    before = Contender("before", "tree", prevalence.loss, prevalence.out_of_fold)
    found = choose_champion([model, *others], prevalence, incumbent=before, customers=customers)
    assert found.champion == "before" and found.challenger == "model"


def test_withdrawn_models_are_passed_over_and_the_others_are_judged_as_if_alone():
    best, second = contender("best", -0.5), contender("second", -0.3)
    withdrawn = {"best": date(2025, 1, 1)}
    verdict = choose_champion([best, second], PREVALENCE, withdrawn=withdrawn)
    assert verdict.champion == "second"
    assert "withdrawn on 2025-01-01" in verdict.reasons["best"]
    assert "only rollback_model with its model_id" in verdict.reasons["best"]


def test_reasons_stand_for_every_model_and_tell_recency_alone():
    models = [contender("a", 0.0), contender("b", -0.4), contender("c", 0.2)]
    recency = contender("recency", 0.7)
    verdict = choose_champion(models, PREVALENCE, recency=recency)
    assert set(verdict.reasons) == {"a", "b", "c", "recency", "prevalence"}
    assert "the lowest of 3 candidates" in verdict.reasons["b"]
    assert "recency alone 1.7000" in verdict.reasons["b"]
    assert "0.4000 more than b_algorithm" in verdict.reasons["a"]
    assert verdict.reasons["recency"] == "baseline: out-of-time log loss 1.7000"


# Policy

SETTINGS = {"features": {"a": {"transform": "log"}, "b": {"transform": "log"}}, "seed": 1}
REFERENCE = {
    "attempted_on": "2025-01-01",
    "settings": SETTINGS,
    "auc": {"value": 0.8, "error": 0.01},
}


def decide(reference=REFERENCE, *, as_of=date(2025, 2, 1), settings=SETTINGS, **options):
    policy = RetrainPolicy(options.pop("retrain", "auto"), 90, 0.25)
    return decide_retrain(reference, policy=policy, settings=settings, as_of=as_of, **options)


def drift(psi, critical=0.05, feature="a"):
    return [{"feature": feature, "psi": psi, "critical": critical}]


def test_without_a_reason_the_findings_are_told():
    decision = decide(feature_drift=drift(0.2), score_drift=drift(0.1), auc=(0.79, 0.01))
    assert not decision.is_trained
    assert decision.reason == (
        "last trained 31 days ago, at most 90 are allowed; largest PSI of a feature a 0.200 "
        "(chance 0.050), limit 0.25; PSI of the scores 0.100 (chance 0.050), limit 0.25; out-of-"
        "time AUC 0.790, 0.800 when training was last attempted (a fall of 0.033 could be noise)"
    )


@pytest.mark.parametrize(
    ("options", "is_trained"),
    [
        ({"as_of": date(2025, 4, 1)}, False),
        ({"as_of": date(2025, 4, 2)}, True),
        ({"feature_drift": drift(0.25)}, False),
        ({"feature_drift": drift(0.26)}, True),
        ({"feature_drift": drift(0.5, critical=0.6)}, False),
        ({"score_drift": drift(0.26)}, True),
        ({"score_drift": drift(0.5, critical=0.6)}, False),
        # 2.326 standard errors of sqrt(0.01² + 0.01²) are 0.0329.
        ({"auc": (0.768, 0.01)}, False),
        ({"auc": (0.766, 0.01)}, True),
        ({"auc": (0.9, 0.01)}, False),
        ({"auc": (np.nan, np.nan)}, False),
        ({"settings": {**SETTINGS, "seed": 2}}, True),
    ],
)
def test_each_reason_has_its_limit(options, is_trained):
    assert decide(**options).is_trained is is_trained
    assert not decide(retrain="never", **options).is_trained
    assert decide(retrain="always", **options).is_trained
    assert not decide(retrain="always", problem="too few rows", **options).is_trained


def test_changed_settings_are_named():
    now = {"features": {"b": {"transform": "none"}, "c": {}}, "seed": 1}
    assert decide(settings=now).reason == (
        "the settings changed: features (c added, a gone, b changed)"
    )


def test_only_reasons_are_told_where_there_are_some():
    decision = decide(feature_drift=drift(0.3) + drift(0.1, feature="b"), auc=(0.8, 0.01))
    assert decision.reason == "PSI over 0.25 in 1 of 2 features: a 0.300 (chance 0.050)"


def test_without_a_date_of_the_last_attempt_training_is_due():
    decision = decide({"settings": SETTINGS})
    assert decision.is_trained and "not known when" in decision.reason


def test_words_and_prices_are_no_settings():
    features = [Feature("a", "view", "log", "A", "A")]
    target = Target("purchase", "Buys", "Achète", 90, 1.0, 2.0)
    renamed = Target("purchase", "Comes", "Vient", 90, 9.0, 8.0, description_en="More words")
    other = Target("purchase", "Buys", "Achète", 60, 1.0, 2.0)
    before = describe_settings(target, features, seed=1)
    relabelled = [Feature("a", "other", "log", "B", "B", in_propensity=True)]
    assert describe_settings(renamed, relabelled, seed=1) == before
    assert describe_settings(other, features, seed=1) != before
    changed = [Feature("a", "view", "sqrt", "A", "A")]
    assert describe_settings(target, changed, seed=1) != before


# Fingerprints


def frame():
    return pd.DataFrame(
        {
            "customer_key": ["a", "b", "c", None],
            "amount": [1.0, 2.5, np.nan, 0.0],
            "count": [1, 2, 3, 4],
            "label": [True, False, True, False],
        }
    )


COLUMNS = ["customer_key", "amount", "count", "label"]


def test_the_data_fingerprint_does_not_depend_on_order_or_on_how_numbers_are_kept():
    before = data_fingerprint(frame(), frame(), columns=COLUMNS)
    other = frame().sample(frac=1, random_state=1)[COLUMNS[::-1]]
    other = other.astype({"count": float, "label": "boolean", "customer_key": "category"})
    other.loc[other["amount"] == 0, "amount"] = -0.0
    assert data_fingerprint(other, frame(), columns=COLUMNS[::-1]) == before
    assert len(before) == 64


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.assign(amount=t["amount"].fillna(0)),
        lambda t: t.assign(label=~t["label"]),
        lambda t: t.assign(customer_key=["a", "b", "d", None]),
        lambda t: t.assign(customer_key=["a", "b", "c", "None"]),
        lambda t: t.iloc[:3],
        lambda t: pd.concat([t, t.iloc[:1]]),
        lambda t: t.assign(amount=t["count"], count=t["amount"]),
        # The same values, but together with others.
        lambda t: t.assign(label=[False, True, True, False]),
    ],
)
def test_the_data_fingerprint_sees_every_change(change):
    before = data_fingerprint(frame(), columns=COLUMNS)
    assert data_fingerprint(change(frame()), columns=COLUMNS) != before


def test_training_rows_and_test_rows_are_not_the_same_thing():
    one, two = frame().iloc[:2], frame().iloc[2:]
    assert data_fingerprint(one, two, columns=COLUMNS) != data_fingerprint(
        two, one, columns=COLUMNS
    )


def test_the_code_fingerprint_changes_with_code_and_libraries(monkeypatch, tmp_path):
    before = code_fingerprint()
    monkeypatch.setattr(_fingerprints, "version", lambda library: "0.0")
    code_fingerprint.cache_clear()
    libraries = code_fingerprint()
    package = tmp_path / "propensity"
    package.mkdir()
    for name in ("propensity/_run.py", "features.py", "imputation.py"):
        (tmp_path / name).write_text("one = 1\n")
    monkeypatch.setattr(_fingerprints, "__file__", str(package / "_fingerprints.py"))
    found = []
    for text in ("one = 1\n", "one = 1\r\n", "one = 2\n"):
        (package / "_run.py").write_bytes(text.encode())
        code_fingerprint.cache_clear()
        found.append(code_fingerprint())
    code_fingerprint.cache_clear()
    assert before != libraries
    assert found[0] == found[1] != found[2]


# Rows of a target


def test_rows_of_a_target_are_those_of_a_join():
    rng = np.random.default_rng(1)
    keys = [(f"c{i}", cutoff) for i in range(40) for cutoff in ("score", "test", "train_1")]
    features = pd.DataFrame(keys, columns=["customer_key", "cutoff_name"])
    features["split"] = features["cutoff_name"].str.split("_").str[0]
    features["value"] = rng.normal(size=len(features))
    features = features.sample(frac=0.8, random_state=2)
    labels = pd.DataFrame(keys, columns=["customer_key", "cutoff_name"]).assign(
        target=lambda t: np.where(rng.random(len(t)) < 0.5, "one", "two"),
        label=pd.array(rng.integers(0, 2, len(keys)) == 1, dtype="boolean"),
    )
    labels.loc[labels["cutoff_name"] == "score", "label"] = pd.NA
    labels = labels.sample(frac=0.7, random_state=3)
    examples = LabelledRows(features, labels)
    joined = features.merge(labels, on=["customer_key", "cutoff_name"])
    assert examples.targets == ["one", "two"]
    for name in examples.targets:
        found = examples.of(Target(name, "", "", 90, 0.0, 0.0))
        for split, rows in (("train", found.train), ("test", found.test)):
            expected = joined[(joined["target"] == name) & (joined["split"] == split)]
            expected = expected.sort_values(["cutoff_name", "customer_key"])
            assert rows.frame["value"].tolist() == expected["value"].tolist()
            assert rows.label.tolist() == expected["label"].tolist()
        scored = joined[(joined["target"] == name) & (joined["split"] == "score")]
        assert set(found.score["customer_key"]) == set(scored["customer_key"])


# Tracking


class Mlflow(types.ModuleType):
    """Remembers what it is told, as a server would."""

    def __init__(self, *, fails=False):
        super().__init__("mlflow")
        self.runs, self.fails = [], fails

    def set_experiment(self, name):
        if self.fails:
            raise ConnectionError("https://user:password@server refused")

    def start_run(self, run_name):
        self.runs.append({"name": run_name, "artefacts": {}})
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    def log_params(self, given):
        self.runs[-1]["params"] = given

    def set_tags(self, given):
        self.runs[-1]["tags"] = given

    def log_metrics(self, given):
        self.runs[-1]["metrics"] = given

    def log_artifact(self, file):
        with open(file, "rb") as content:
            self.runs[-1]["artefacts"][file.rsplit("/", 1)[-1]] = content.read()


def registry_row(**cells):
    return {
        "target": "purchase",
        "algorithm": "decision_tree",
        "model_id": "m1",
        "role": "champion",
        "is_champion": True,
        "decision": "trained",
        "decision_reason": "none yet",
        "reason": "best",
        "trained_on": date(2025, 1, 1),
        "trained_rows": 10,
        "test_rows": 5,
        "data_fingerprint": "d",
        "code_fingerprint": "c",
        "features": '[{"name": "a", "imputation": "median"}]',
        "parameters": '{"max_depth": 3, "dropped": {"b": "one value"}}',
        "metrics": '[{"split": "out_of_time", "metric": "auc", "value": 0.7},'
        ' {"split": "out_of_time", "metric": "precision", "value": null}]',
        "artefact": b"model",
        "artefact_sha256": "s",
        **cells,
    }


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://user:password@server")
    module = Mlflow()
    monkeypatch.setitem(sys.modules, "mlflow", module)
    return module


def test_trained_models_are_logged_with_settings_figures_and_the_champions_artefact(server):
    rows = [
        registry_row(),
        registry_row(model_id="m2", role="candidate", is_champion=False, artefact=None),
        registry_row(model_id="old", role="retired", trained_on=date(2024, 1, 1)),
        registry_row(model_id="kept", decision="kept"),
    ]
    assert _tracking.log_run(rows, as_of=date(2025, 1, 1)) == 2
    first, second = server.runs
    assert first["params"]["max_depth"] == 3 and first["params"]["dropped"] == 1
    assert first["metrics"] == {"out_of_time_auc": 0.7}
    assert first["tags"]["role"] == "champion"
    assert first["artefacts"] == {"m1.skops": b"model"} and second["artefacts"] == {}


def test_an_artefact_that_keeps_rows_of_customers_is_not_sent_away(server):
    row = registry_row(features='[{"name": "a", "imputation": "knn"}]')
    assert _tracking.log_run([row], as_of=date(2025, 1, 1)) == 1
    assert server.runs[0]["artefacts"] == {}


def test_without_an_address_nothing_is_logged(server, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert _tracking.log_run([registry_row()], as_of=date(2025, 1, 1)) == 0
    assert server.runs == []


def test_a_missing_library_is_told_and_nothing_fails(server, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.warns(UserWarning, match=r"mlflow is not installed.*\[mlflow\]"):
        assert _tracking.log_run([registry_row()], as_of=date(2025, 1, 1)) == 0


def test_a_server_that_fails_is_told_without_its_address(server, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", Mlflow(fails=True))
    with pytest.warns(UserWarning, match="could not be logged to MLflow") as told:
        assert _tracking.log_run([registry_row()], as_of=date(2025, 1, 1)) == 0
    assert "password" not in str(told[0].message)
