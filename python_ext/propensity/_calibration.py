"""From scores to probabilities that can be taken at their word."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from python_ext.propensity._metrics import row_log_loss
from python_ext.propensity._recalibration import logit

METHODS = ("none", "sigmoid", "isotonic")  # simplest first
ISOTONIC_ROWS = 1000  # per class; with fewer a step function follows the noise


def fit_calibrator(probability: np.ndarray, label: np.ndarray, *, method: str) -> Any:
    """Learn the map from predicted to actual rate.

    Parameters
    ----------
    probability
        Out-of-fold predictions, so that no row is judged by a model that has seen it.
    label
        What happened, boolean.
    method
        ``sigmoid``: a logistic curve over the log-odds (Platt 1999). ``isotonic``: a step
        function. ``none``: probabilities stay as they are.

    Returns
    -------
    LogisticRegression, IsotonicRegression or None
    """
    if method == "none":
        return None
    if method == "isotonic":
        # The ends of the steps are shares of few rows: never certain.
        floor = 1 / (2 * np.sqrt(len(label)) + 2)
        model = IsotonicRegression(y_min=floor, y_max=1 - floor, out_of_bounds="clip")
        return model.fit(probability, label)
    if method == "sigmoid":
        return LogisticRegression(C=np.inf, max_iter=200).fit(logit(probability)[:, None], label)
    raise ValueError(f"calibration {method!r} is none of {METHODS}")


def calibrate(calibrator: Any, probability: np.ndarray) -> np.ndarray:
    """Apply a fitted calibrator."""
    if calibrator is None:
        return probability
    if isinstance(calibrator, IsotonicRegression):
        return calibrator.predict(probability)
    return calibrator.predict_proba(logit(probability)[:, None])[:, 1]


def calibrate_across_folds(
    probability: np.ndarray, label: np.ndarray, fold: np.ndarray, *, method: str
) -> np.ndarray:
    """Calibrate each fold's predictions by what the other folds teach."""
    calibrated = np.empty(len(probability))
    for number in np.unique(fold):
        inside = fold == number
        model = fit_calibrator(probability[~inside], label[~inside], method=method)
        calibrated[inside] = calibrate(model, probability[inside])
    return calibrated


def choose_calibration(
    probability: np.ndarray, label: np.ndarray, fold: np.ndarray
) -> tuple[str, np.ndarray]:
    """The simplest method whose log loss across folds is within one standard error of the best.

    A model trained on log loss may need none, and a calibration it does not need adds noise.
    Isotonic stands for election where both classes hold ``ISOTONIC_ROWS`` rows, a logistic curve
    where they do not (Niculescu-Mizil and Caruana 2005). With many rows isotonic can take any
    shape the curve can, and the least gain of the curve out of fold would be told from noise.

    Parameters
    ----------
    probability, label
        Out-of-fold predictions and what happened.
    fold
        Fold of each row; no customer in two.

    Returns
    -------
    tuple of str and numpy.ndarray
        The method, and the predictions calibrated across folds with it.
    """
    label = np.asarray(label, dtype=bool)
    large = min(label.sum(), (~label).sum()) >= ISOTONIC_ROWS
    tried = {
        method: calibrate_across_folds(probability, label, fold, method=method)
        for method in ("none", "isotonic" if large else "sigmoid")
    }
    loss = {method: row_log_loss(label, p) for method, p in tried.items()}
    best = min(loss, key=lambda method: loss[method].mean())
    for method in tried:
        excess = loss[method] - loss[best]
        if excess.mean() <= excess.std() / np.sqrt(len(excess)):
            return method, tried[method]
    raise AssertionError("the best method is within a standard error of itself")
