"""A shop that changes in a month: noticed, trained anew, promoted or refused, and history whole."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from python_ext import drift, frames, propensity
from python_ext.features import select_features
from python_ext.propensity._memory import read_champion

HORIZON = 90
NAMES = ("score", "test", "train_1", "train_2")
JUNE, JULY, AUGUST = (date(2025, month, 1) for month in (6, 7, 8))
DEFINITIONS = pd.DataFrame(
    {
        "feature": ["frequency", "recency_days", "first_source"],
        "source_table": "shop.orders",
        "view": "behaviour",
        "transform": "none",
        "in_propensity": True,
        "kind": ["number", "number", "category"],
        "imputation": ["median", "median", "flag"],
    }
)
TARGETS = pd.DataFrame(
    [
        {
            "target": "purchase",
            "is_active": True,
            "event": "purchase",
            "measure": "count",
            "at_least": 1,
            "happens": True,
            "eligibility": "any_buyer",
            "contact_cost": 0.5,
            "hit_gain": 8,
        }
    ]
)
SOURCES = ["search", "social", "podcast"]
MODELS, DISTRIBUTIONS = propensity.MODELS_SCHEMA, drift.DISTRIBUTIONS_SCHEMA


def shop(as_of: date, *, busier_since=None, reversed_since=None, customers=700):
    """Features and labels at four cutoffs.

    Whoever buys often and has bought lately buys again. From ``busier_since`` on everybody buys
    more often and a fifth came by a new source; from ``reversed_since`` on it is those who bought
    long ago that buy again.
    """
    features, labels = [], []
    for step, name in enumerate(NAMES):
        cutoff = as_of - timedelta(days=HORIZON * step)
        rng = np.random.default_rng([1, cutoff.toordinal()])
        busier = busier_since is not None and cutoff > busier_since
        sign = -1 if reversed_since is not None and cutoff >= reversed_since else 1
        frequency = rng.normal(1.0 if busier else 0.0, 1, customers)
        recency = rng.normal(0, 1, customers)
        shares = [0.4, 0.4, 0.2] if busier else [0.5, 0.5, 0.0]
        common = {
            "customer_key": [f"c{number:04d}" for number in range(customers)],
            "cutoff_name": name,
            "split": name.split("_")[0],
            "cutoff_on": pd.Timestamp(cutoff),
        }
        features.append(
            pd.DataFrame(
                {
                    **common,
                    "frequency": frequency,
                    "recency_days": recency,
                    "first_source": rng.choice(
                        ["search", "social", "podcast"], customers, p=shares
                    ),
                }
            )
        )
        odds = 1 / (1 + np.exp(-(frequency - 2 * sign * recency)))
        happened = pd.array(rng.random(customers) < odds, dtype="boolean")
        labels.append(
            pd.DataFrame(
                {
                    **common,
                    "target": "purchase",
                    "label_ends_on": pd.Timestamp(cutoff + timedelta(days=HORIZON)),
                    "label": pd.array([None] * customers, dtype="boolean")
                    if name == "score"
                    else happened,
                }
            )
        )
    return pd.concat(features, ignore_index=True), pd.concat(labels, ignore_index=True)


class Warehouse:
    """The two memories of a warehouse, and one build after another."""

    def __init__(self, models=None, distributions=None):
        self.models, self.distributions = models, distributions

    def after(self, as_of: date, given, **options) -> "Warehouse":
        """A copy one build further."""
        features, labels = given
        rows = propensity.run_propensity(
            features,
            labels,
            DEFINITIONS,
            TARGETS,
            self.models,
            as_of=as_of,
            horizon_days=HORIZON,
            algorithms=["logistic_regression"],
            search={"settings": 1},
            **options,
        )
        models = _put(self.models, frames.typed_table(rows, MODELS).to_pandas())
        champion = read_champion(models[models["is_champion"]].iloc[-1].to_dict())
        scored = features[features["cutoff_name"].isin(["score", "test"])]
        scores = scored[["cutoff_name"]].assign(
            target="purchase", probability=champion.score(scored), model_id=champion.model_id
        )
        learning = select_features(
            DEFINITIONS, features.columns, purpose="propensity", kinds=("number", "category")
        )
        rows = drift.remember_distributions(
            features, learning, scores, self.distributions, as_of=as_of
        )
        table = frames.typed_table(rows, DISTRIBUTIONS).to_pandas()
        return Warehouse(models, _put(self.distributions, table))

    def run(self, as_of: date) -> pd.DataFrame:
        return self.models[self.models["as_of_date"] == as_of]

    def champion(self, as_of: date) -> pd.Series:
        rows = self.run(as_of)
        (found,) = rows[rows["is_champion"]].to_dict("records")
        return found

    def drifted(self, as_of: date) -> dict:
        """Feature → alarm of the comparison of builds."""
        rows = drift.list_drift(self.distributions, as_of=as_of)
        return {r["feature"]: r["alarm"] for r in rows if r["comparison"] == "builds"}


def _put(memory, rows):
    """As an incremental model with the unique key as_of_date does."""
    if memory is None:
        return rows
    kept = memory[~memory["as_of_date"].isin(rows["as_of_date"].unique())]
    return pd.concat([kept, rows], ignore_index=True)


@pytest.fixture(scope="module")
def june() -> Warehouse:
    return Warehouse().after(JUNE, shop(JUNE))


@pytest.fixture(scope="module")
def july(june) -> Warehouse:
    """The changed month."""
    return june.after(JULY, shop(JULY, busier_since=JUNE))


def test_an_ordinary_month_raises_no_alarm_and_keeps_the_model(june):
    ordinary = june.after(JULY, shop(JULY))
    assert set(ordinary.drifted(JULY).values()) == {"none"}
    champion = ordinary.champion(JULY)
    assert champion["decision"] == "kept"
    assert champion["model_id"] == june.champion(JUNE)["model_id"]


def test_the_changed_month_is_noticed_with_its_features_and_scores(july):
    alarms = july.drifted(JULY)
    assert alarms.pop("recency_days") == "none"
    assert alarms == {"frequency": "major", "first_source": "major", "score:purchase": "major"}
    (row,) = (
        r
        for r in drift.list_drift(july.distributions, as_of=JULY)
        if (r["comparison"], r["feature"]) == ("builds", "first_source")
    )
    assert row["new_categories"] == "podcast"


def test_the_policy_trains_anew_and_says_by_what_drift(july):
    run = july.run(JULY)
    assert set(run["decision"]) == {"trained"}
    (why,) = run["decision_reason"].unique()
    assert "PSI over 0.25" in why and "frequency" in why and "first_source" in why


def test_a_challenger_that_is_no_better_is_refused_with_its_figures(june, july):
    """Who buys again was not changed, so the model before is as good as the new one."""
    champion, run = july.champion(JULY), july.run(JULY)
    assert champion["model_id"] == june.champion(JUNE)["model_id"]
    (challenger,) = run[run["role"] == "challenger"].to_dict("records")
    assert challenger["model_id"] not in set(june.models["model_id"])
    assert "refused, not better than the champion beyond noise" in challenger["reason"]


def test_the_month_after_in_the_changed_shop_is_kept(july):
    august = july.after(AUGUST, shop(AUGUST, busier_since=JUNE))
    assert set(august.drifted(AUGUST).values()) == {"none"}
    assert set(august.run(AUGUST)["decision"]) == {"kept"}


def test_nothing_that_was_remembered_is_changed(june, july):
    for table in ("models", "distributions"):
        before, after = getattr(june, table), getattr(july, table)
        old = after[after["as_of_date"] == JUNE].reset_index(drop=True)
        pd.testing.assert_frame_equal(old, before)
    hashes = july.models.groupby("model_id")["artefact_sha256"].nunique(dropna=True)
    assert hashes.max() == 1


def test_a_model_that_no_longer_ranks_is_replaced_and_its_decay_is_told(june):
    """Two horizons later, in a shop where the rule was reversed meanwhile."""
    later = JUNE + timedelta(days=2 * HORIZON)
    given = shop(later, reversed_since=JUNE)
    old = june.champion(JUNE)

    # Without training the decay stands there, with an alarm.
    kept = june.after(later, given, retrain="never")
    assert kept.champion(later)["model_id"] == old["model_id"]
    decay = {
        row["metric"]: row
        for row in drift.list_decay(kept.models, as_of=later)
        if row["as_of_date"] == later
    }
    assert decay["auc"]["verdict"] == "decayed" and decay["auc"]["is_alarm"]
    assert decay["auc"]["value"] < 0.5 < decay["auc"]["value_at_promotion"]

    # With the policy a new model takes over, and is compared with itself from then on.
    replaced = june.after(later, given)
    new = replaced.champion(later)
    assert "decay" in new["decision_reason"]
    assert new["model_id"] != old["model_id"] and "promoted" in new["reason"]
    retired = replaced.run(later).query("role == 'retired'")
    assert retired["model_id"].tolist() == [old["model_id"]]
    decay = drift.list_decay(replaced.models, as_of=later)
    latest = [row for row in decay if row["is_latest"]]
    assert {row["verdict"] for row in latest} == {"at_promotion"}
