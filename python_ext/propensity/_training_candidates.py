"""Candidate models of one target, each fitted and calibrated inside the training rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from python_ext.imputation import FeatureImputer
from python_ext.propensity import _metrics
from python_ext.propensity._calibration import choose_calibration, fit_calibrator
from python_ext.propensity._folds import Folds

MIN_CLASS_ROWS = 50
PENALTIES = (0.003, 0.03, 0.3, 3.0)  # inverse strength C of the L2 penalty
TREES = tuple(range(10, 81, 10))


@dataclass(frozen=True)
class Examples:
    """Rows of one split of one target: raw, as a transformed matrix, label and customer.

    ``strategies`` says how unknown values of each column of ``values`` are filled.
    """

    frame: pd.DataFrame
    values: np.ndarray
    label: np.ndarray
    group: np.ndarray
    strategies: list[str]

    @property
    def enough(self) -> bool:
        """Whether both classes can be learned from, or judged on."""
        return min(self.label.sum(), (~self.label).sum()) >= MIN_CLASS_ROWS


@dataclass(frozen=True)
class Fitted:
    """A candidate with its calibrated out-of-fold predictions."""

    algorithm: str
    parameters: dict[str, Any]
    pipeline: Pipeline
    calibrator: Any
    out_of_fold: np.ndarray
    columns: list[int]


def _calibrated(
    algorithm: str,
    parameters: dict[str, Any],
    pipeline: Pipeline,
    train: Examples,
    columns: list[int],
    out_of_fold: np.ndarray,
    folds: Folds,
) -> Fitted:
    fold = np.empty(len(train.label), dtype=int)
    for number, (_, outside) in enumerate(folds):
        fold[outside] = number
    method, judged = choose_calibration(out_of_fold, train.label, fold)
    calibrator = fit_calibrator(out_of_fold, train.label, method=method)
    parameters = {**parameters, "calibration": method}
    return Fitted(algorithm, parameters, pipeline, calibrator, judged, columns)


def logistic_pipeline(penalty: float, seed: int, strategies: list[str]) -> Pipeline:
    """Imputation with a flag for every column it fills, scaling, L2 logistic regression."""
    return make_pipeline(
        FeatureImputer(strategies),
        StandardScaler(),
        LogisticRegression(C=penalty, max_iter=300, random_state=seed),
    )


def fit_logistic(
    algorithm: str,
    train: Examples,
    columns: list[int],
    folds: Folds,
    seed: int,
) -> Fitted:
    """Logistic regression, the penalty by out-of-fold log loss."""
    values, strategies = train.values[:, columns], [train.strategies[j] for j in columns]
    predicted = np.empty((len(PENALTIES), len(values)))
    for inside, outside in folds:
        prepare = logistic_pipeline(1.0, seed, strategies)[:-1].fit(values[inside])
        known, unseen = prepare.transform(values[inside]), prepare.transform(values[outside])
        for i, penalty in enumerate(PENALTIES):
            model = LogisticRegression(C=penalty, max_iter=300, random_state=seed)
            model.fit(known, train.label[inside])
            predicted[i, outside] = model.predict_proba(unseen)[:, 1]
    best = int(np.argmin([_metrics.row_log_loss(train.label, p).mean() for p in predicted]))
    pipeline = logistic_pipeline(PENALTIES[best], seed, strategies).fit(values, train.label)
    parameters = {"C": PENALTIES[best]}
    return _calibrated(algorithm, parameters, pipeline, train, columns, predicted[best], folds)


def boosting_pipeline(trees: int, rows: int, seed: int, strategies: list[str]) -> Pipeline:
    """Small histogram gradient boosting; what is flagged as unknown gets a branch of its own."""
    return make_pipeline(
        FeatureImputer(strategies, keep_flagged=True, indicators="none"),
        HistGradientBoostingClassifier(
            max_iter=trees,
            learning_rate=0.1,
            max_leaf_nodes=8,
            max_bins=64,
            min_samples_leaf=max(10, min(60, rows // 50)),
            l2_regularization=1.0,
            # Early stopping would split customers at random inside the fold.
            early_stopping=False,
            random_state=seed,
        ),
    )


def fit_boosting(train: Examples, columns: list[int], folds: Folds, seed: int) -> Fitted:
    values, rows = train.values[:, columns], len(train.values)
    strategies = [train.strategies[j] for j in columns]
    predicted = np.empty((len(TREES), rows))
    for inside, outside in folds:
        prepare, model = boosting_pipeline(TREES[-1], rows, seed, strategies)
        model.fit(prepare.fit_transform(values[inside]), train.label[inside])
        unseen = prepare.transform(values[outside])
        for trees, stage in enumerate(model.staged_predict_proba(unseen), start=1):
            if trees in TREES:
                predicted[TREES.index(trees), outside] = stage[:, 1]
    best = int(np.argmin([_metrics.row_log_loss(train.label, p).mean() for p in predicted]))
    pipeline = boosting_pipeline(TREES[best], rows, seed, strategies).fit(values, train.label)
    settings = pipeline[-1].get_params()
    names = ("max_iter", "learning_rate", "max_leaf_nodes", "min_samples_leaf", "max_bins")
    parameters = {name: settings[name] for name in (*names, "l2_regularization")}
    return _calibrated(
        "gradient_boosting", parameters, pipeline, train, columns, predicted[best], folds
    )
