"""Scores of the test cutoff beside what could be known, and what was true."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from python_ext.propensity._metrics import expected_calibration_error
from python_ext.synth import oracle_purchase_probability
from python_ext.truth._measures import Measure
from python_ext.truth._observed import read_observed

TEST_CUTOFF = "test"
# What the process says of purchases says the contrary of churn.
TARGETS = {"purchase": True, "churn": False}
_OUTCOMES = {"purchase": "bought", "churn": "did not buy"}
_ALL_KNOWING = "each person's rate and whether the person has stopped: out of reach"


def scores_beside_truth(
    connection: duckdb.DuckDBPyConnection, truth: Path, person: pd.Series
) -> pd.DataFrame | None:
    """Judged scores with the attainable and the all-knowing probability of the same event.

    Parameters
    ----------
    connection
        Warehouse of a build of a generated dataset.
    truth
        Folder ``_truth`` of that dataset.
    person
        person_id by customer_key.

    Returns
    -------
    pandas.DataFrame or None
        One row per customer and target with a score at the test cutoff and a label:
        customer_key, target, cutoff_on, label_ends_on, label (0 or 1), probability, attainable,
        oracle, and of the true person purchase_rate and is_customer (has not stopped). Nobody is
        in it whose person became a customer within the window. None without a test cutoff.

    Raises
    ------
    duckdb.Error
        If the warehouse lacks a relation.
    """
    parameters = json.loads((truth / "parameters.json").read_text(encoding="utf-8"))
    end_on = pd.Timestamp(parameters["end_on"]).date()
    observed = read_observed(connection, cutoff=TEST_CUTOFF, end_on=end_on)
    if observed is None:
        return None
    people = pd.read_parquet(truth / "people.parquet")
    oracle = oracle_purchase_probability(
        people,
        pd.read_parquet(truth / "seasonality.parquet"),
        on=observed.on,
        horizon_days=observed.horizon_days,
    )
    oracle.index = people["person_id"]
    rows = connection.execute(_SCORED, [TEST_CUTOFF, list(TARGETS)]).df()
    rows["attainable"] = rows["customer_key"].map(observed.attainable(end_on))
    rows["oracle"] = rows["customer_key"].map(person).map(oracle)
    people = people.set_index("person_id")
    died = pd.to_datetime(people["died_on"])
    people["is_customer"] = died.isna() | (died >= pd.Timestamp(observed.on))
    for column in ("purchase_rate", "is_customer"):
        rows[column] = rows["customer_key"].map(person).map(people[column])
    happens = rows["target"].map(TARGETS)
    for column in ("attainable", "oracle"):
        rows[column] = rows[column].where(happens, 1 - rows[column])
    rows = rows.assign(cutoff_on=observed.on, label_ends_on=observed.ends_on)
    return rows.dropna(subset=["probability", "oracle"]).reset_index(drop=True)


def calibration_error_by_chance(
    probability: np.ndarray, *, draws: int = 200, seed: int = 0
) -> tuple[float, float]:
    """Calibration error that a perfectly calibrated score of this size shows.

    Parameters
    ----------
    probability
        The scores; labels are drawn from them.
    draws, seed
        Of the simulation.

    Returns
    -------
    tuple of float
        Mean, and the value that one draw in twenty exceeds.
    """
    rng = np.random.default_rng(seed)
    errors = [
        expected_calibration_error(rng.random(len(probability)) < probability, probability)
        for _ in range(draws)
    ]
    return float(np.mean(errors)), float(np.quantile(errors, 0.95))


def score_measures(scores: pd.DataFrame | None) -> list[Measure]:
    """AUC and calibration error of each target, beside the best that could be."""
    measures: list[Measure] = []
    if scores is None:
        return measures
    for target in TARGETS:
        rows = scores[scores["target"] == target]
        name = f"{target.capitalize()} propensity"
        if rows["label"].nunique() < 2:
            basis = f"{len(rows):,} customers, all of one kind"
            measures.append(Measure(f"{name}, AUC out of time", None, None, basis))
            continue
        label, probability = rows["label"].to_numpy(), rows["probability"].to_numpy()
        auc = {
            column: float(roc_auc_score(label, rows[column]))
            for column in ("probability", "attainable", "oracle")
        }
        chance, rarely = calibration_error_by_chance(probability)
        basis = (
            f"{len(rows):,} customers, {rows['cutoff_on'].iloc[0]} to "
            f"{rows['label_ends_on'].iloc[0]}, {label.mean():.0%} {_OUTCOMES[target]}"
        )
        measures.append(
            Measure(f"{name}, AUC out of time", auc["probability"], auc["attainable"], basis)
        )
        measures.append(Measure(f"{name}, AUC of who knows all", None, auc["oracle"], _ALL_KNOWING))
        measures.append(
            Measure(
                f"{name}, calibration error",
                expected_calibration_error(label, probability),
                chance,
                f"ten equal groups; at best is by chance alone, seldom over {rarely:.3f}",
            )
        )
    return measures


_SCORED = """
select
    scores.customer_key,
    scores.target,
    scores.probability,
    cast(labels.label as integer) as label
from ml.ml_propensity_scores as scores
inner join intermediate.int_customer_labels as labels
    using (customer_key, cutoff_name, target)
where scores.cutoff_name = ? and list_contains(?, scores.target) and labels.label is not null
order by scores.target, scores.customer_key
"""
