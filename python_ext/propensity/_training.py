"""Candidates per target, fitted on past cutoffs, decided on the latest one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from python_ext.features import Feature, feature_matrix, select_features, with_category_labels
from python_ext.frames import Schema
from python_ext.propensity import _metrics
from python_ext.propensity._artefact import PropensityModel
from python_ext.propensity._calibration import calibrate
from python_ext.propensity._drivers import driver_effects
from python_ext.propensity._folds import Folds, grouped_folds
from python_ext.propensity._training_candidates import (
    MIN_CLASS_ROWS,
    Examples,
    Fitted,
    fit_boosting,
    fit_logistic,
)

TARGETS = ("purchase", "churn")
DRIVER_FEATURES = 12
RECENCY = "recency_days"
SIMPLER_FIRST = ("logistic_regression", "gradient_boosting")

MODELS_SCHEMA = Schema(
    {
        "model_id": "string",
        "target": "string",
        "algorithm": "string",
        "is_champion": "boolean",
        "reason": "string",
        "trained_rows": "bigint",
        "test_rows": "bigint",
        "features": "string",
        "parameters": "string",
        "metrics": "string",
        "artefact": "binary",
        "artefact_sha256": "string",
    },
    key=("target", "algorithm"),
)


def train_models(
    examples: pd.DataFrame,
    definitions: pd.DataFrame,
    *,
    sources: Mapping[str, bool] | str | None = None,
    seed: int = 42,
    targets: Sequence[str] = TARGETS,
    horizon_days: int | None = None,
    categories: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Train, calibrate, judge and choose a model for each target.

    Logistic regression and histogram gradient boosting are fitted on ``split = 'train'`` rows
    alone: what stands in for unknown values, scaling, penalty or number of trees, and the
    calibration all come from there, the last two from out-of-fold predictions whose folds never
    divide a customer. The latest cutoff (``split = 'test'``) decides by log loss. Boosting
    replaces the regression only where it is better by more than one standard error of the
    difference, and either must beat the prevalence known from training. Recency alone and the
    prevalence are judged beside them.

    Parameters
    ----------
    examples
        One row per customer, cutoff and target: ``customer_key``, ``cutoff_name``, ``cutoff_on``,
        ``split`` ('train' or 'test'), ``target``, ``label`` and the feature columns. Rows without
        a label are left out.
    definitions, sources
        As in ``features.select_features``.
    seed
        Of folds, boosting and bootstrap.
    targets
        Each gets at least one row, whatever the data.
    horizon_days
        Length of a label window. If given, no training window may close after a test cutoff.
    categories
        ``category_rank`` and ``category``, for the labels of taste_1, taste_2, ….

    Returns
    -------
    pandas.DataFrame
        Columns of ``MODELS_SCHEMA``, one row per target and algorithm, one champion per target.

    Raises
    ------
    ValueError
        If a training label window reaches beyond the test cutoff.
    """
    features = select_features(definitions, examples.columns, purpose="propensity", sources=sources)
    features = with_category_labels(features, categories)
    known = examples[examples["label"].notna()]
    _check_windows(known, horizon_days)
    rows: list[dict[str, Any]] = []
    # One thread: the order of a parallel sum is not fixed, and two builds must agree.
    with threadpool_limits(1):
        for target in targets:
            part = known[known["target"] == target]
            part = part.sort_values(["cutoff_name", "customer_key"], kind="stable")
            rows += _train_target(target, part.reset_index(drop=True), features, seed=seed)
    return pd.DataFrame(rows)[list(MODELS_SCHEMA)]


def _check_windows(examples: pd.DataFrame, horizon_days: int | None) -> None:
    if horizon_days is None or "cutoff_on" not in examples.columns:
        return
    cutoff = pd.to_datetime(examples["cutoff_on"])
    train, test = cutoff[examples["split"] == "train"], cutoff[examples["split"] == "test"]
    closes = train.max() + pd.Timedelta(days=int(horizon_days))
    if len(train) and len(test) and closes > test.min():
        raise ValueError(
            f"the last training label window closes on {closes.date()}, after the test cutoff "
            f"{test.min().date()}: the test would see what training saw"
        )


def _split(part: pd.DataFrame, features: list[Feature], split: str) -> Examples:
    frame = part[part["split"] == split]
    return Examples(
        frame,
        feature_matrix(frame, features),
        frame["label"].astype(bool).to_numpy(),
        frame["customer_key"].to_numpy(),
        [feature.imputation for feature in features],
    )


def _usable(
    train: Examples, features: list[Feature], folds: Folds
) -> tuple[list[int], dict[str, str]]:
    """Columns something can be learned from, and why the others are left out."""
    kept, dropped = [], {}
    for j, feature in enumerate(features):
        known = ~np.isnan(train.values[:, j])
        if not known.any():
            dropped[feature.name] = "no value is known in training"
        elif not all(known[inside].any() for inside, _ in folds):
            dropped[feature.name] = "a value is known of too few training rows"
        elif known.all() and np.ptp(train.values[:, j]) == 0:
            dropped[feature.name] = "one value in training"
        else:
            kept.append(j)
    return kept, dropped


def _train_target(
    target: str, part: pd.DataFrame, features: list[Feature], *, seed: int
) -> list[dict[str, Any]]:
    train, test = (_split(part, features, split) for split in ("train", "test"))
    folds = grouped_folds(train.label, train.group, seed=seed)
    columns, dropped = _usable(train, features, folds)
    builder = _RowBuilder(target, train, test, features, dropped, seed)
    problem = _problem(train, test, columns, folds)
    if problem:
        return [builder.prevalence(f"{problem}: every customer gets the prevalence", True)]
    fitted = [fit_logistic("logistic_regression", train, columns, folds, seed)]
    fitted.append(fit_boosting(train, columns, folds, seed))
    recency = [j for j in columns if features[j].name == RECENCY]
    if recency:
        fitted.append(fit_logistic("recency_alone", train, recency, folds, seed))
    probability = {
        model.algorithm: calibrate(
            model.calibrator, model.pipeline.predict_proba(test.values[:, model.columns])[:, 1]
        )
        for model in fitted
    }
    probability["prevalence"] = np.full(len(test.label), builder.rate)
    champion, reasons = _decide(test.label, probability)
    rows = [
        builder.model(m, probability[m.algorithm], reasons[m.algorithm], m.algorithm == champion)
        for m in fitted
    ]
    return [*rows, builder.prevalence(reasons["prevalence"], champion == "prevalence")]


def _problem(train: Examples, test: Examples, columns: list[int], folds: Folds) -> str | None:
    """Why nothing can be learned or judged, if so."""
    for name, rows in (("training", train), ("the test cutoff", test)):
        if not rows.enough:
            yes, no = int(rows.label.sum()), int((~rows.label).sum())
            return f"{name} has {yes} positive and {no} negative rows, {MIN_CLASS_ROWS} are needed"
    if not all(len(out) and 0 < train.label[ins].mean() < 1 for ins, out in folds):
        return "too few customers of both kinds to divide them into folds"
    if not columns:
        return "no feature has a value that differs"
    return None


def _decide(label: np.ndarray, probability: dict[str, np.ndarray]) -> tuple[str, dict[str, str]]:
    """Champion by out-of-time log loss, the simpler one unless the other is clearly better."""
    loss = {name: _metrics.row_log_loss(label, p) for name, p in probability.items()}
    mean = {name: float(rows.mean()) for name, rows in loss.items()}
    simple, other = SIMPLER_FIRST
    gain = loss[simple] - loss[other]
    error = float(gain.std() / np.sqrt(len(gain)))
    clearly = float(gain.mean()) > error
    best = other if clearly else simple
    champion = best if mean[best] < mean["prevalence"] else "prevalence"
    compared = (
        f"out-of-time log loss {mean[simple]:.4f} for {simple}, {mean[other]:.4f} for {other} "
        f"(difference {gain.mean():+.4f}, standard error {error:.4f}), "
        f"{mean['prevalence']:.4f} for the prevalence"
    )
    reasons = dict.fromkeys(probability, f"not chosen: {compared}")
    for baseline in ("recency_alone", "prevalence"):
        if baseline in probability:
            reasons[baseline] = f"baseline: out-of-time log loss {mean[baseline]:.4f}"
    why = "clearly better" if clearly else "the simpler one, as the other is not clearly better"
    if champion == "prevalence":
        why = "no model beats the prevalence"
    reasons[champion] = f"champion, {why}: {compared}"
    return champion, reasons


@dataclass(frozen=True)
class _RowBuilder:
    """Rows of the model table for one target."""

    target: str
    train: Examples
    test: Examples
    features: list[Feature]
    dropped: dict[str, str]
    seed: int

    @property
    def rate(self) -> float:
        """(positives + 1) / (rows + 2): never exactly 0 or 1. NaN without any labelled row."""
        label = self.train.label if len(self.train.label) else self.test.label
        return float((label.sum() + 1) / (len(label) + 2)) if len(label) else np.nan

    def _fingerprint(self) -> str:
        digest = hashlib.sha256()
        for part in (self.train, self.test):
            digest.update(part.values.tobytes())
            digest.update(part.label.tobytes())
            digest.update("|".join(map(str, part.group)).encode())
        return digest.hexdigest()

    def _row(
        self,
        algorithm: str,
        columns: list[int],
        parameters: dict[str, Any],
        metrics: list[dict[str, Any]],
        reason: str,
        is_champion: bool,
        *,
        pipeline: Any = None,
        calibrator: Any = None,
    ) -> dict[str, Any]:
        features = [self.features[j] for j in columns]
        parameters = {**parameters, "seed": self.seed, "dropped": self.dropped}
        raw = feature_matrix(self.train.frame, features, transform=False)
        medians = np.nanmedian(raw, axis=0).tolist() if features else []
        identity = [self.target, algorithm, parameters, [(f.name, f.imputation) for f in features]]
        named = json.dumps([*identity, self._fingerprint()], sort_keys=True)
        model = PropensityModel(
            target=self.target,
            algorithm=algorithm,
            model_id=hashlib.sha256(named.encode()).hexdigest()[:16],
            features=features,
            medians=medians,
            driver_features=list(range(len(features))),
            pipeline=pipeline,
            calibrator=calibrator,
            prevalence=self.rate,
        )
        model = _with_driver_features(model, self.train.frame, self.seed)
        artefact = model.to_bytes()
        described = [
            {**asdict(feature), "median": median}
            for feature, median in zip(features, medians, strict=True)
        ]
        return {
            "model_id": model.model_id,
            "target": self.target,
            "algorithm": algorithm,
            "is_champion": is_champion,
            "reason": reason,
            "trained_rows": len(self.train.label),
            "test_rows": len(self.test.label),
            "features": json.dumps(described, ensure_ascii=False),
            "parameters": json.dumps(parameters, sort_keys=True),
            "metrics": json.dumps(metrics),
            "artefact": artefact,
            "artefact_sha256": hashlib.sha256(artefact).hexdigest(),
        }

    def model(
        self, fitted: Fitted, probability: np.ndarray, reason: str, is_champion: bool
    ) -> dict[str, Any]:
        """The row of a fitted candidate."""
        return self._row(
            fitted.algorithm,
            fitted.columns,
            fitted.parameters,
            self._metrics(probability, fitted.out_of_fold),
            reason,
            is_champion,
            pipeline=fitted.pipeline,
            calibrator=fitted.calibrator,
        )

    def prevalence(self, reason: str, is_champion: bool) -> dict[str, Any]:
        """The row of the baseline that gives everyone the same probability."""
        constant = [np.full(len(part.label), self.rate) for part in (self.test, self.train)]
        parameters = {"probability": self.rate if self.rate == self.rate else None}
        return self._row(
            "prevalence", [], parameters, self._metrics(*constant), reason, is_champion
        )

    def _metrics(self, test: np.ndarray, train: np.ndarray) -> list[dict[str, Any]]:
        """Out-of-time figures, and those of customers split at random within training."""
        found = []
        for split, label, probability in (
            ("out_of_time", self.test.label, test),
            ("random_split", self.train.label, train),
        ):
            if not len(label):
                continue
            figures = _metrics.judge(label, probability, seed=self.seed)
            if split == "out_of_time" and not len(self.train.label):
                # Without training rows the rate is the test rows' own: it may not judge itself.
                figures = figures[figures["metric"].isin(["rows", "prevalence"])]
            for figure in figures.to_dict("records"):
                told = {name: v if v == v else None for name, v in figure.items()}
                found.append({"split": split, **told})
        return found


def _with_driver_features(
    model: PropensityModel, frame: pd.DataFrame, seed: int, *, rows: int = 400
) -> PropensityModel:
    """Keep as possible drivers the features with the largest mean effect on a few rows."""
    if model.pipeline is None:
        return model
    drawn = np.random.default_rng(seed).choice(len(frame), min(rows, len(frame)), replace=False)
    effect = np.abs(driver_effects(model, frame.iloc[np.sort(drawn)])).mean(axis=0)
    strongest = np.argsort(-effect, kind="stable")[:DRIVER_FEATURES]
    return replace(model, driver_features=sorted(int(j) for j in strongest if effect[j] > 0))
