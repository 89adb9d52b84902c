"""The registry of propensity models: what is trained, promoted, kept, refused and taken back."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from python_ext import frames, propensity

AS_OF = date(2025, 1, 1)
HORIZON = 90
CUTOFFS = {"score": 0, "test": 1, "train_1": 2, "train_2": 3}
FEATURES = ("frequency", "noise", "recency_days")


def definitions(*names):
    return pd.DataFrame(
        {
            "feature": list(names or FEATURES),
            "source_table": "shop.orders",
            "view": "behaviour",
            "transform": "none",
            "in_propensity": True,
            "kind": "number",
            "imputation": "median",
        }
    )


def seed_targets(*names, **cells):
    return pd.DataFrame(
        [
            {
                "target": name,
                "is_active": True,
                "event": "purchase",
                "measure": "count",
                "at_least": 1,
                "happens": True,
                "eligibility": "any_buyer",
                "contact_cost": 0.5,
                "hit_gain": 8,
                **cells,
            }
            for name in names or ("purchase",)
        ]
    )


def make_input(
    as_of=AS_OF, *, customers=500, seed=0, strength=1.5, shift=0.0, test_strength=None, targets=()
):
    """Features and labels whose log-odds fall with recency and rise with frequency.

    ``shift`` moves the recency of the score cutoff; ``test_strength`` is that of the test cutoff.
    """
    rng = np.random.default_rng(seed)
    features, labels = [], []
    for name, step in CUTOFFS.items():
        cutoff = as_of - timedelta(days=step * HORIZON)
        split = name.split("_")[0]
        recency, frequency = rng.normal(size=customers), rng.normal(size=customers)
        power = test_strength if split == "test" and test_strength is not None else strength
        odds = 1 / (1 + np.exp(-power * (frequency - recency)))
        common = {
            "customer_key": [f"c{i:04d}" for i in range(customers)],
            "cutoff_name": name,
            "split": split,
            "cutoff_on": pd.Timestamp(cutoff),
        }
        features.append(
            pd.DataFrame(
                {
                    **common,
                    "recency_days": recency + (shift if name == "score" else 0),
                    "frequency": frequency,
                    "noise": rng.normal(size=customers),
                }
            )
        )
        for target in targets or ("purchase",):
            happened = pd.array(rng.random(customers) < odds, dtype="boolean")
            labels.append(
                pd.DataFrame(
                    {
                        **common,
                        "target": target,
                        "label_ends_on": pd.Timestamp(cutoff + timedelta(days=HORIZON)),
                        "label": pd.array([None] * customers, dtype="boolean")
                        if split == "score"
                        else happened,
                    }
                )
            )
    return pd.concat(features, ignore_index=True), pd.concat(labels, ignore_index=True)


def run(given, memory=None, *, as_of=AS_OF, seeds=None, wanted=None, **options):
    options = {
        "horizon_days": HORIZON,
        "algorithms": ["logistic_regression", "decision_tree"],
        "search": {"settings": 2},
        **options,
    }
    rows = propensity.run_propensity(
        *given,
        definitions() if seeds is None else seeds,
        seed_targets() if wanted is None else wanted,
        memory,
        as_of=as_of,
        **options,
    )
    return frames.typed_table(rows, propensity.MODELS_SCHEMA).to_pandas()


def put(memory, rows):
    """As an incremental model with the unique key as_of_date does."""
    kept = memory[~memory["as_of_date"].isin(rows["as_of_date"].unique())]
    return pd.concat([kept, rows], ignore_index=True)


def champion(rows, target="purchase"):
    found = rows[rows["is_champion"] & (rows["target"] == target)]
    assert len(found) == 1
    return found.iloc[0]


@pytest.fixture(scope="module")
def given():
    return make_input()


@pytest.fixture(scope="module")
def first(given):
    return run(given)
