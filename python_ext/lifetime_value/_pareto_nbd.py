"""Pareto/NBD: customers buy at a rate of their own and drop out after a time of their own.

Schmittlein, Morrison and Colombo, "Counting your customers" (1987); likelihood as in Fader and
Hardie, "A note on deriving the Pareto/NBD model" (2005). Rates are gamma distributed (r, alpha),
dropout rates too (s, beta).
"""

from __future__ import annotations

import numpy as np
import scipy

import python_ext._learning_libraries  # noqa: F401
from python_ext.lifetime_value._fitting import Fit, maximise
from python_ext.lifetime_value._pooling import Histories

NAMES = ("r", "alpha", "s", "beta")
# From here on the library's series needs many terms and the fraction few; still nearer to one
# both need many.
NEAR_ONE, TOO_NEAR_ONE = 0.9, 0.9997
# Narrower than elsewhere: a likelihood that still rises here is flat, and dear to compute.
BOUND = 6.0
MOST_TERMS = 500
gammaln, hyp2f1 = scipy.special.gammaln, scipy.special.hyp2f1


def fit_pareto_nbd(histories: Histories) -> Fit:
    """Fit by maximum likelihood; ``alpha`` and ``beta`` are in the time unit of the histories."""
    scale = float(np.average(histories.t, weights=histories.weight)) or 1.0
    starts = [np.log([0.5, 0.3 * scale, 0.5, 0.4 * scale])]
    return maximise(
        lambda point: _with_gradient(point, histories),
        model="pareto_nbd",
        names=NAMES,
        starts=starts,
        scales=(1.0, scale, 1.0, scale),
        customers=histories.customers,
        bound=BOUND,
        steps=100,
    )


def pareto_nbd_log_likelihood(parameters, histories: Histories) -> float:
    """Log-likelihood of histories at given (r, alpha, s, beta)."""
    return float(histories.weight @ _log_parts(parameters, histories.x, histories.t_x, histories.t))


def _with_gradient(point: np.ndarray, histories: Histories, step: float = 1e-5):
    value = pareto_nbd_log_likelihood(np.exp(point), histories)
    gradient = np.empty(len(point))
    for number in range(len(point)):
        shift = np.zeros(len(point))
        shift[number] = step
        up, down = (
            pareto_nbd_log_likelihood(np.exp(point + sign * shift), histories) for sign in (1, -1)
        )
        gradient[number] = (up - down) / (2 * step)
    return value, gradient


def pareto_nbd_p_alive(parameters, x, t_x, t) -> np.ndarray:
    """Probability of not having dropped out at the end of observation."""
    there, gone = _there_and_gone(parameters, *(np.asarray(v, dtype=float) for v in (x, t_x, t)))
    return scipy.special.expit(there - gone)


def pareto_nbd_expected_purchases(parameters, period, x, t_x, t) -> np.ndarray:
    """Purchases expected in the ``period`` after the end of observation, given the history."""
    r, alpha, s, beta = parameters
    x, t_x, t = (np.asarray(v, dtype=float) for v in (x, t_x, t))
    # (1 - q^(s-1)) / (s-1), which is -log(q) where s is 1.
    log_q = np.log(beta + t) - np.log(beta + t + period)
    spell = -log_q if abs(s - 1) < 1e-9 else -np.expm1((s - 1) * log_q) / (s - 1)
    rate = (r + x) / (alpha + t)
    return pareto_nbd_p_alive(parameters, x, t_x, t) * rate * (beta + t) * spell


def _log_parts(parameters, x, t_x, t) -> np.ndarray:
    """Log-likelihood of each history."""
    r, alpha, s, beta = parameters
    start = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    return start + np.logaddexp(*_there_and_gone(parameters, x, t_x, t))


def _there_and_gone(parameters, x, t_x, t) -> tuple[np.ndarray, np.ndarray]:
    """Logs of both ways to the history, without what they have in common."""
    r, alpha, s, beta = parameters
    there = -(r + x) * np.log(alpha + t) - s * np.log(beta + t)
    # Gone at some time between the last purchase and the end: the integral over both.
    since_last = _log_integral(r, alpha, s, beta, x, t_x)
    since_end = _log_integral(r, alpha, s, beta, x, t)
    with np.errstate(divide="ignore"):
        gone = since_last + np.log(-np.expm1(np.minimum(since_end - since_last, 0)))
    return there, gone + np.log(s) - np.log(r + s + x)


def _log_integral(r, alpha, s, beta, x, time) -> np.ndarray:
    """Log of (r+s+x) times the integral of (alpha+u)^-(r+x) (beta+u)^-(s+1) from ``time`` on.

    Written with F(1, ·; r+s+x+1; z), Euler's transform of the published form: every term of its
    series is positive and none overflows. Two versions keep z within [0, 1).
    """
    log_alpha, log_beta = np.log(alpha + time), np.log(beta + time)
    if alpha >= beta:
        z = (alpha - beta) / (alpha + time)
        series = _series(r + x, r + s + x + 1, z)
        return np.log(series) - s * log_beta - (r + x) * log_alpha
    z = (beta - alpha) / (beta + time)
    series = _series(s + 1, r + s + x + 1, z)
    return np.log(series) - (r + x - 1) * log_alpha - (s + 1) * log_beta


def _series(b, c, z) -> np.ndarray:
    """F(1, b; c; z); by Gauss's continued fraction where the library is slow or gives up."""
    b, c, z = np.broadcast_arrays(b, c, z)
    fraction = (z > NEAR_ONE) & (z < TOO_NEAR_ONE)
    value = np.array(hyp2f1(1, b, c, np.where(fraction, 0.0, z)))
    fraction |= ~(np.isfinite(value) & (value > 0))
    if fraction.any():
        value[fraction] = _by_fraction(b[fraction], c[fraction], z[fraction])
    return value


def _by_fraction(b, c, z) -> np.ndarray:
    # Each term leaves this share of the error.
    root = np.sqrt(1 - z.max())
    share = ((1 - root) / (1 + root)) ** 2
    terms = int(np.clip(np.ceil(np.log(1e-13) / np.log(share)), 10, MOST_TERMS))
    fraction = np.ones_like(z, dtype=float)
    for m in range(terms, 0, -1):
        even = m * (c - b + m - 1) / ((c + 2 * m - 2) * (c + 2 * m - 1))
        odd = (b + m) * (c + m - 1) / ((c + 2 * m - 1) * (c + 2 * m))
        fraction = 1 - even * z / (1 - odd * z / fraction)
    return 1 / (1 - b / c * z / fraction)
