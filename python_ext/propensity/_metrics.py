"""Figures that judge a probability against what happened."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

SMALLEST = 1e-6  # probabilities are kept this far from 0 and 1, so that a log loss stays finite


def logit(probability: np.ndarray) -> np.ndarray:
    """Log-odds of probabilities clipped to ``SMALLEST``."""
    clipped = np.clip(probability, SMALLEST, 1 - SMALLEST)
    return np.log(clipped / (1 - clipped))


def row_log_loss(label: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Log loss of each row, natural logarithm."""
    clipped = np.clip(probability, SMALLEST, 1 - SMALLEST)
    return -np.where(label, np.log(clipped), np.log(1 - clipped))


def expected_calibration_error(
    label: np.ndarray, probability: np.ndarray, *, bins: int = 10
) -> float:
    """Mean gap between predicted and actual rate over bins of about equal size, weighted by rows.

    Equal probabilities share a bin, so that the order of the rows means nothing.
    """
    _, group, size = np.unique(probability, return_inverse=True, return_counts=True)
    middle = np.cumsum(size) - size / 2
    part = np.minimum(middle * bins // len(label), bins - 1).astype(int)[group]
    rows = np.bincount(part, minlength=bins)
    gap = np.bincount(part, weights=label - probability, minlength=bins)
    return float(np.abs(gap[rows > 0]).sum() / len(label))


def calibration_slope(label: np.ndarray, probability: np.ndarray) -> float:
    """Slope of a logistic regression of the label on the predicted log-odds; 1 is ideal."""
    odds = logit(probability)
    if np.ptp(odds) < 1e-9:
        return np.nan
    model = LogisticRegression(C=np.inf, max_iter=200).fit(odds.reshape(-1, 1), label)
    return float(model.coef_[0, 0])


def lift_top_decile(label: np.ndarray, probability: np.ndarray) -> float:
    """Rate among the tenth with the highest probability over the rate of all.

    Equal probabilities share the places left to them, so that a constant has lift 1.
    """
    if not label.any():
        return np.nan
    places = len(label) / 10
    _, group, size = np.unique(-probability, return_inverse=True, return_counts=True)
    hits = np.bincount(group, weights=label)
    before = np.concatenate([[0.0], np.cumsum(size)[:-1]])
    taken = np.clip(places - before, 0, size)
    return float((hits * taken / size).sum() / places / label.mean())


def auc_interval(
    label: np.ndarray,
    probability: np.ndarray,
    *,
    resamples: int = 200,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float]:
    """Percentile bootstrap interval of the AUC over rows (one row is one customer)."""
    group = np.unique(probability, return_inverse=True)[1]
    groups = int(group.max()) + 1
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(resamples):
        weight = np.bincount(rng.integers(0, len(label), len(label)), minlength=len(label))
        hits = np.bincount(group, weights=weight * label, minlength=groups)
        misses = np.bincount(group, weights=weight * ~label, minlength=groups)
        pairs = hits.sum() * misses.sum()
        if pairs:
            below = np.cumsum(misses) - misses / 2
            found.append(float((hits * below).sum() / pairs))
    if not found:
        return np.nan, np.nan
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def judge(label: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """All figures of one set of predictions.

    Parameters
    ----------
    label
        Shape (rows,), boolean.
    probability
        Shape (rows,), between 0 and 1.

    Returns
    -------
    dict of str to float
        auc, average_precision, log_loss, brier, prevalence, calibration_slope,
        expected_calibration_error, lift_top_decile, rows. NaN where one class is missing.
    """
    label = np.asarray(label, dtype=bool)
    both = label.any() and not label.all()
    return {
        "auc": float(roc_auc_score(label, probability)) if both else np.nan,
        "average_precision": float(average_precision_score(label, probability)) if both else np.nan,
        "log_loss": float(row_log_loss(label, probability).mean()),
        "brier": float(((probability - label) ** 2).mean()),
        "prevalence": float(label.mean()),
        "calibration_slope": calibration_slope(label, probability) if both else np.nan,
        "expected_calibration_error": expected_calibration_error(label, probability),
        "lift_top_decile": lift_top_decile(label, probability),
        "rows": float(len(label)),
    }
