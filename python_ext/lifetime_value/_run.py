"""One run of the models of customer value: fit or keep, judge out of time, choose."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from python_ext.errors import SegmentationError
from python_ext.features import Feature, select_features
from python_ext.frames import Schema
from python_ext.lifetime_value._bg_nbd import bg_nbd_expected_purchases
from python_ext.lifetime_value._boosting import TwoStageModel, describe, train_two_stage
from python_ext.lifetime_value._judging import compare_deviance, judge_amounts
from python_ext.lifetime_value._pareto_nbd import pareto_nbd_expected_purchases
from python_ext.lifetime_value._policy import (
    RetrainPolicy,
    choose_champion,
    code_fingerprint,
)
from python_ext.propensity._artefact import ArtefactError
from python_ext.renewal import data_fingerprint

COMBINED, BOOSTING = "bg_nbd_gamma_gamma", "two_stage_boosting"
PREDICTS = {
    "bg_nbd": "purchases",
    "pareto_nbd": "purchases",
    "gamma_gamma": "order_value",
    COMBINED: "revenue",
    BOOSTING: "revenue",
}
DAYS_OF_WEEK = 7

VALUE_MODELS_SCHEMA = Schema(
    {
        "as_of_date": "date",
        "model": "string",
        "predicts": "string",
        "model_id": "string",
        "role": "string",
        "is_champion": "boolean",
        "decision": "string",
        "decision_reason": "string",
        "reason": "string",
        "trained_on": "date",
        "trained_rows": "bigint",
        "test_rows": "bigint",
        "data_fingerprint": "string",
        "code_fingerprint": "string",
        "features": "string",
        "parameters": "string",
        "standard_errors": "string",
        "log_likelihood": "double",
        "converged": "boolean",
        "warnings": "string",
        "metrics": "string",
        "artefact": "binary",
        "artefact_sha256": "string",
    },
    key=("as_of_date", "model"),
)


def run_value(
    examples: pd.DataFrame,
    lifetimes: pd.DataFrame,
    lifetime_models: pd.DataFrame,
    definitions: pd.DataFrame,
    memory: pd.DataFrame | None,
    *,
    as_of: date,
    horizon_days: float,
    sources: Mapping[str, bool] | str | None = None,
    retrain: str = "auto",
    max_age_days: int = 180,
    resamples: int = 200,
    seed: int = 42,
) -> pd.DataFrame:
    """Fit or keep each model, judge it on the test cutoff, and choose what predicts revenue.

    Parameters
    ----------
    examples : pandas.DataFrame
        Rows of the feature table at the train and test cutoffs with what followed: ``purchases``,
        ``sold_revenue`` and ``net_revenue`` of the horizon.
    lifetimes : pandas.DataFrame
        ``ml_customer_lifetimes`` at the test cutoff: scored by models fitted on what was known
        before it.
    lifetime_models : pandas.DataFrame
        ``ml_lifetime_models``.
    definitions, sources
        As in ``features.select_features``. Numbers learn; categories do not.
    memory : pandas.DataFrame, optional
        What ``ml_value_models`` held before.
    as_of
        Date of the run. A stored run of the same date and the same data is given back as it is,
        unless ``retrain`` is ``always``; a file may have been mended since.
    horizon_days
        Length of the horizon.
    retrain, max_age_days
        When to train, as in ``RetrainPolicy``.
    resamples, seed
        Draws of the bootstrap; seed of boosting and bootstrap.

    Returns
    -------
    pandas.DataFrame
        Rows of ``VALUE_MODELS_SCHEMA`` of this run.
    """
    policy = RetrainPolicy(retrain, int(max_age_days))
    horizon_days, seed = float(horizon_days), int(seed)
    stored = _stored(memory)
    today = stored[stored["as_of_date"] == pd.Timestamp(as_of)]
    histories = lifetimes[["customer_key", "x", "t_x", "t", "repeat_order_value"]]
    seen = f"{data_fingerprint(examples)} {data_fingerprint(histories)}"
    seen = hashlib.sha256(seen.encode()).hexdigest()
    is_same = policy.retrain == "never" or (today["data_fingerprint"] == seen).any()
    if len(today) and policy.retrain != "always" and is_same:
        return today[list(VALUE_MODELS_SCHEMA)].reset_index(drop=True)
    examples = examples.sort_values(["cutoff_name", "customer_key"], kind="stable")
    train = examples[examples["split"] == "train"].reset_index(drop=True)
    test = examples[examples["split"] == "test"].merge(
        lifetimes[["customer_key", "x", "t_x", "t", "expected_revenue"]].rename(
            columns={name: f"lifetime_{name}" for name in ("x", "t_x", "t", "expected_revenue")}
        ),
        on="customer_key",
    )
    rows = _lifetime_rows(lifetime_models, test, horizon_days, resamples, seed, as_of)
    simple = test["lifetime_expected_revenue"].to_numpy(dtype=float)
    features = [
        feature
        for feature in select_features(
            definitions, examples.columns, purpose="propensity", sources=sources
        )
        if getattr(feature, "kind", "number") == "number"
    ]
    boosting, model = _boosting_row(
        train, features, stored[stored["as_of_date"] < pd.Timestamp(as_of)], policy, as_of, seed
    )
    actual = test["net_revenue"].to_numpy(dtype=float)
    gain, problem = None, boosting["decision_reason"] if model is None else None
    if model is not None and len(test):
        rich = model.predict(test)
        boosting["metrics"] = _metrics(actual, rich, resamples, seed)
        gain = compare_deviance(actual, simple, rich, resamples=resamples, seed=seed)
    elif model is not None:
        problem = "no test cutoff has an outcome yet"
    replaced, simple_reason, rich_reason = choose_champion(gain, problem=problem)
    combined = {
        **_blank(),
        "model": COMBINED,
        "data_fingerprint": seen,
        "is_champion": not replaced,
        "reason": simple_reason,
        "parameters": _merged(rows, "parameters"),
        "standard_errors": _merged(rows, "standard_errors"),
        "metrics": _metrics(actual, simple, resamples, seed),
        **{
            name: rows[0][name]
            for name in ("decision", "decision_reason", "trained_on", "trained_rows", "converged")
        },
        "warnings": json.dumps(_population(lifetime_models)["warnings"]),
    }
    boosting |= {"is_champion": replaced, "reason": rich_reason}
    told = pd.DataFrame([*rows, combined, boosting])
    told["test_rows"] = len(test)
    told["as_of_date"], told["code_fingerprint"] = as_of, code_fingerprint()
    told["predicts"] = told["model"].map(PREDICTS)
    history = data_fingerprint(lifetimes[["x", "t_x", "t", "repeat_order_value"]])
    told["data_fingerprint"] = told["data_fingerprint"].fillna(history)
    told["role"] = [
        "champion" if champion else "challenger" if predicts == "revenue" else "part"
        for champion, predicts in zip(told["is_champion"], told["predicts"], strict=True)
    ]
    told["model_id"] = [
        stored_id or _model_id(row)
        for stored_id, row in zip(told["model_id"], told.to_dict("records"), strict=True)
    ]
    return told[list(VALUE_MODELS_SCHEMA)]


def _stored(memory: pd.DataFrame | None) -> pd.DataFrame:
    if memory is None:
        memory = pd.DataFrame(columns=list(VALUE_MODELS_SCHEMA))
    return memory.assign(as_of_date=pd.to_datetime(memory["as_of_date"]))


def last_value_run(memory: pd.DataFrame, *, as_of: date | None = None) -> pd.DataFrame:
    """Rows of the latest run, or of the latest that is not after a date."""
    rows = _stored(memory)
    if as_of is not None:
        rows = rows[rows["as_of_date"] <= pd.Timestamp(as_of)]
    return rows[rows["as_of_date"] == rows["as_of_date"].max()].reset_index(drop=True)


def _blank() -> dict[str, Any]:
    return {
        "model_id": None,
        "is_champion": False,
        "decision": "trained",
        "decision_reason": "fitted anew in every run: it takes seconds",
        "reason": None,
        "data_fingerprint": None,
        "features": "[]",
        "parameters": "{}",
        "standard_errors": "{}",
        "log_likelihood": np.nan,
        "converged": None,
        "warnings": "[]",
        "metrics": "[]",
        "artefact": None,
        "artefact_sha256": None,
    }


def _lifetime_rows(
    models: pd.DataFrame,
    test: pd.DataFrame,
    horizon_days: float,
    resamples: int,
    seed: int,
    as_of: date,
) -> list[dict[str, Any]]:
    """The parts: parameters of today's fits, figures of the fits at the test cutoff."""
    rows = []
    for name in ("bg_nbd", "pareto_nbd", "gamma_gamma"):
        found = models[(models["cutoff_name"] == "score") & (models["model"] == name)]
        row = found.iloc[0].to_dict()
        expected = None
        if name != "gamma_gamma":
            expected = _expected_purchases(models, name, test, horizon_days)
        rows.append(
            {
                **_blank(),
                "model": name,
                "trained_on": as_of,
                "trained_rows": int(row["customers"]),
                "reason": "part: "
                + ("a check, it scores nobody" if name == "pareto_nbd" else "of " + COMBINED),
                "metrics": "[]"
                if expected is None
                else _metrics(test["purchases"].to_numpy(dtype=float), expected, resamples, seed),
                "converged": bool(row["converged"]),
                **{
                    column: row[column]
                    for column in ("parameters", "standard_errors", "log_likelihood", "warnings")
                },
            }
        )
    return rows


def _expected_purchases(
    models: pd.DataFrame, name: str, test: pd.DataFrame, horizon_days: float
) -> np.ndarray | None:
    found = models[(models["cutoff_name"] == "test") & (models["model"] == name)]
    if found.empty or not found["converged"].iloc[0] or test.empty:
        return None
    expect = bg_nbd_expected_purchases if name == "bg_nbd" else pareto_nbd_expected_purchases
    history = (test[f"lifetime_{part}"].to_numpy(dtype=float) for part in ("x", "t_x", "t"))
    parameters = tuple(json.loads(found["parameters"].iloc[0]).values())
    return expect(parameters, horizon_days / DAYS_OF_WEEK, *history)


def _population(models: pd.DataFrame) -> dict[str, Any]:
    found = models[(models["cutoff_name"] == "score") & (models["model"] == "population")]
    return {"warnings": json.loads(found["warnings"].iloc[0])}


def _boosting_row(
    train: pd.DataFrame,
    features: Sequence[Feature],
    earlier: pd.DataFrame,
    policy: RetrainPolicy,
    as_of: date,
    seed: int,
) -> tuple[dict[str, Any], TwoStageModel | None]:
    kept = earlier[(earlier["model"] == BOOSTING) & earlier["artefact"].notna()]
    kept = kept.sort_values("as_of_date")
    stored = kept.iloc[-1].to_dict() if len(kept) else None
    names = [feature.name for feature in features]
    trains, why = policy.decide(stored, as_of=as_of, features=names)
    model = None
    if not trains and stored is not None and set(json.loads(stored["features"])) <= set(names):
        try:
            model = TwoStageModel.from_bytes(stored["artefact"], sha256=stored["artefact_sha256"])
        except ArtefactError as error:
            if policy.retrain == "never":
                raise
            trains, why = True, f"the stored model cannot be read: {error}"
    row = {**_blank(), "model": BOOSTING, "decision_reason": why, "trained_on": as_of}
    row |= {"trained_rows": len(train), "features": json.dumps(names)}
    if model is not None:
        row |= {name: stored[name] for name in VALUE_MODELS_SCHEMA if name in _KEPT}
        return {**row, "decision": "kept"}, model
    if not trains:
        return {**row, "decision": "not trained", "converged": False}, None
    try:
        model, _ = train_two_stage(train, features, seed=seed)
    except SegmentationError as error:
        return {
            **row,
            "decision": "not trained",
            "decision_reason": str(error),
            "converged": False,
            "warnings": json.dumps([str(error)]),
        }, None
    artefact = model.to_bytes()
    used = ["customer_key", "cutoff_name", "purchases", "sold_revenue", "net_revenue", *names]
    return {
        **row,
        "parameters": describe(model),
        "converged": True,
        "data_fingerprint": data_fingerprint(train[used]),
        "artefact": artefact,
        "artefact_sha256": hashlib.sha256(artefact).hexdigest(),
    }, model


_KEPT = (
    "model_id",
    "trained_on",
    "trained_rows",
    "data_fingerprint",
    "features",
    "parameters",
    "converged",
    "warnings",
    "artefact",
    "artefact_sha256",
)


def _metrics(actual: np.ndarray, predicted: np.ndarray, resamples: int, seed: int) -> str:
    figures = judge_amounts(actual, predicted, resamples=resamples, seed=seed)
    figures.insert(0, "split", "out_of_time")
    figures = figures.astype(object).where(figures.notna(), None)
    return json.dumps(figures.to_dict("records"))


def _merged(rows: Sequence[Mapping[str, Any]], column: str) -> str:
    return json.dumps(
        {row["model"]: json.loads(row[column]) for row in rows if row["model"] != "pareto_nbd"}
    )


def _model_id(row: Mapping[str, Any]) -> str:
    made_of = "|".join(str(row[name]) for name in ("model", "data_fingerprint", "parameters"))
    return f"{row['model']}-{hashlib.sha256(made_of.encode()).hexdigest()[:12]}"
