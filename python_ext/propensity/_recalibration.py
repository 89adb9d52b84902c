"""Slope and intercept of what happened on the predicted log-odds, of many resamples at once."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from python_ext.propensity._resampling import Pooled

SMALLEST = 1e-6  # probabilities are kept this far from 0 and 1, so that a log loss stays finite
NEWTON_STEPS = 50


def logit(probability: np.ndarray) -> np.ndarray:
    """Log-odds of probabilities clipped to ``SMALLEST``."""
    clipped = np.clip(probability, SMALLEST, 1 - SMALLEST)
    return np.log(clipped / (1 - clipped))


def _overlap(hits: np.ndarray, misses: np.ndarray) -> np.ndarray:
    """Whether hits and misses reach past each other; else a slope has no end, and there is none."""
    first, last = zip(
        *(
            (np.argmax(seen, axis=1), seen.shape[1] - 1 - np.argmax(seen[:, ::-1], axis=1))
            for seen in (hits > 0, misses > 0)
        ),
        strict=True,
    )
    both = (hits.sum(axis=1) > 0) & (misses.sum(axis=1) > 0)
    return both & (first[0] < last[1]) & (first[1] < last[0])


def slopes(pooled: Pooled, start: tuple[float, float] = (0.0, 1.0)) -> np.ndarray:
    """Newton's method for label ~ intercept + slope * log-odds, all draws at once."""
    odds = logit(pooled.probability)
    hits, rows = pooled.hits, pooled.hits + pooled.misses
    both = _overlap(hits, pooled.misses)
    if np.ptp(odds) < 1e-9 or not both.any():
        return np.full(len(hits), np.nan)
    centre = odds.mean()
    odds = odds - centre
    intercept = np.full((len(hits), 1), start[0] + start[1] * centre)
    slope = np.full((len(hits), 1), start[1])
    for _ in range(NEWTON_STEPS):
        predicted = expit(intercept + slope * odds)
        residual, weight = hits - rows * predicted, rows * predicted * (1 - predicted)
        first, second = residual.sum(axis=1, keepdims=True), (residual @ odds)[:, None]
        w0, w1, w2 = weight.sum(axis=1, keepdims=True), weight @ odds, weight @ odds**2
        w1, w2 = w1[:, None], w2[:, None]
        determinant = np.maximum(w0 * w2 - w1**2, 1e-300)
        by_intercept = np.clip((w2 * first - w1 * second) / determinant, -2, 2)
        by_slope = np.clip((w0 * second - w1 * first) / determinant, -2, 2)
        intercept, slope = intercept + by_intercept, slope + by_slope
        still = np.maximum(np.abs(by_intercept), np.abs(by_slope))[:, 0]
        if (still[both] < 1e-9).all():
            break
    return np.where(both & (still < 1e-6), slope[:, 0], np.nan)


def intercepts(pooled: Pooled) -> np.ndarray:
    """Newton's method for label ~ intercept + log-odds, all draws at once."""
    odds = logit(pooled.probability)
    hits, rows = pooled.hits.sum(axis=1, keepdims=True), pooled.hits + pooled.misses
    both = ((hits > 0) & (pooled.misses.sum(axis=1, keepdims=True) > 0))[:, 0]
    intercept = np.zeros((len(hits), 1))
    for _ in range(NEWTON_STEPS):
        predicted = expit(intercept + odds)
        weight = (rows * predicted * (1 - predicted)).sum(axis=1, keepdims=True)
        residual = hits - (rows * predicted).sum(axis=1, keepdims=True)
        step = np.clip(residual / np.maximum(weight, 1e-300), -2, 2)
        intercept = intercept + step
        if (np.abs(step[both]) < 1e-9).all():
            break
    return np.where(both, intercept[:, 0], np.nan)
