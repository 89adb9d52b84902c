"""BG/NBD: customers buy at a rate of their own and may drop out after any purchase.

Fader, Hardie and Lee, "Counting your customers the easy way: an alternative to the Pareto/NBD
model", Marketing Science 24 (2005). Rates are gamma distributed (shape r, scale 1/alpha), dropout
probabilities beta distributed (a, b).
"""

from __future__ import annotations

import numpy as np
import scipy

import python_ext._learning_libraries  # noqa: F401
from python_ext.lifetime_value._fitting import Fit, maximise
from python_ext.lifetime_value._pooling import Histories

NAMES = ("r", "alpha", "a", "b")
gammaln, digamma = scipy.special.gammaln, scipy.special.digamma


def fit_bg_nbd(histories: Histories) -> Fit:
    """Fit by maximum likelihood.

    Parameters
    ----------
    histories : Histories
        Pooled; one-time buyers included.

    Returns
    -------
    Fit
        ``alpha`` is in the time unit of the histories.
    """
    scale = float(np.average(histories.t, weights=histories.weight)) or 1.0
    starts = [
        np.log([r, alpha * scale, a, b])
        for r, alpha, a, b in ((0.5, 0.3, 0.8, 2.0), (1.0, 1.0, 0.1, 1.0), (3.0, 0.5, 3.0, 10.0))
    ]
    return maximise(
        _Likelihood(histories),
        model="bg_nbd",
        names=NAMES,
        starts=starts,
        scales=(1.0, scale, 1.0, 1.0),
        customers=histories.customers,
    )


class _Likelihood:
    """Log-likelihood and gradient; terms in x alone are computed once per x."""

    def __init__(self, histories: Histories) -> None:
        self.x, self.t_x, self.t = histories.x, histories.t_x, histories.t
        self.weight = histories.weight
        self.repeats = self.x > 0
        self.counts, number = np.unique(self.x, return_inverse=True)
        self.by_count = np.bincount(number, weights=self.weight)

    def __call__(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        r, alpha, a, b = np.exp(point)
        x, counted = self.counts, self.by_count
        purchases = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
        dropouts = gammaln(a + b) - gammaln(b) + gammaln(b + x) - gammaln(a + b + x)
        # Still there, or gone since the last purchase.
        log_t, log_t_x = np.log(alpha + self.t), np.log(alpha + self.t_x)
        there = -(r + self.x) * log_t
        gone = np.where(
            self.repeats,
            np.log(a) - np.log(b + np.maximum(self.x, 1) - 1) - (r + self.x) * log_t_x,
            -np.inf,
        )
        both = np.logaddexp(there, gone)
        value = counted @ (purchases + dropouts) + self.weight @ both

        is_gone = np.exp(gone - both) * self.weight
        is_there = self.weight - is_gone
        by_r = counted @ (digamma(r + x) - digamma(r) + np.log(alpha)) - (
            is_there @ log_t + is_gone @ log_t_x
        )
        by_alpha = counted.sum() * r / alpha - (
            is_there @ ((r + self.x) / (alpha + self.t))
            + is_gone @ ((r + self.x) / (alpha + self.t_x))
        )
        sums = digamma(a + b) - digamma(a + b + x)
        by_a = counted @ sums + is_gone.sum() / a
        by_b = counted @ (sums + digamma(b + x) - digamma(b)) - (
            is_gone @ (1 / (b + np.maximum(self.x, 1) - 1))
        )
        return float(value), np.array([by_r, by_alpha, by_a, by_b]) * np.exp(point)


def bg_nbd_log_likelihood(parameters, histories: Histories) -> float:
    """Log-likelihood of histories at given (r, alpha, a, b)."""
    return _Likelihood(histories)(np.log(np.asarray(parameters, dtype=float)))[0]


def bg_nbd_p_alive(parameters, x, t_x, t) -> np.ndarray:
    """Probability of not having dropped out at the end of observation.

    Parameters
    ----------
    parameters : sequence of float
        r, alpha, a, b.
    x, t_x, t : array_like
        History.

    Notes
    -----
    It is 1 where x is 0: the model lets nobody drop out before a repeat purchase. It does not mean
    that a one-time buyer is certainly alive.
    """
    r, alpha, a, b = parameters
    x, t_x, t = (np.asarray(v, dtype=float) for v in (x, t_x, t))
    odds = (
        np.log(a)
        - np.log(b + np.maximum(x, 1) - 1)
        + (r + x) * (np.log(alpha + t) - np.log(alpha + t_x))
    )
    return np.where(x > 0, scipy.special.expit(-odds), 1.0)


def bg_nbd_expected_purchases(parameters, period, x, t_x, t) -> np.ndarray:
    """Purchases expected in the ``period`` after the end of observation, given the history.

    Equation (10) of the paper, with the hypergeometric function transformed so that it cannot
    overflow: F(r+x, b+x; a+b+x-1; z) = (1-z)^(a-1-r-x) F(a+b-1-r, a-1; a+b+x-1; z).
    """
    x, t_x, t = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (x, t_x, t)))
    pairs, number = np.unique(np.stack([x.ravel(), t.ravel()]), axis=1, return_inverse=True)
    while_alive = _expected_while_alive(parameters, period, *pairs)
    alive = bg_nbd_p_alive(parameters, x, t_x, t)
    return alive * while_alive[number.ravel()].reshape(x.shape)


def bg_nbd_unconditional_purchases(parameters, period) -> np.ndarray:
    """Repeat purchases of a new customer in the ``period`` after the first purchase."""
    period = np.asarray(period, dtype=float)
    return _expected_while_alive(parameters, period, np.zeros_like(period), np.zeros_like(period))


def _expected_while_alive(parameters, period, x, t) -> np.ndarray:
    r, alpha, a, b = parameters
    # The formula is smooth but divides by zero here.
    a = a if abs(a - 1) > 1e-6 else 1 + 1e-6
    c = a + b + x - 1
    c = np.where(np.abs(c) > 1e-9, c, 1e-9)
    z = period / (alpha + t + period)
    series = scipy.special.hyp2f1(a + b - 1 - r, a - 1, c, z)
    expected = c / (a - 1) * (1 - np.exp((a - 1) * np.log1p(-z)) * series)
    if np.all(np.isfinite(expected)) and np.all(expected >= 0):
        return expected
    return _by_quadrature(r, alpha, a, b, period, x, t)


def _by_quadrature(r, alpha, a, b, period, x, t, nodes: int = 64) -> np.ndarray:
    """The same as the mean of (1 - (1 + p·period/(alpha+t))^-(r+x)) / p over p ~ Beta(a, b+x).

    Slower, but it holds for extreme parameters, where the series loses its digits.
    """
    x, t, period = np.broadcast_arrays(x, t, period)
    expected = np.empty(x.shape)
    points, weights = np.polynomial.legendre.leggauss(nodes)
    middle = (points + 1) / 2
    for count in np.unique(x):
        rows = x == count
        shares = scipy.special.betaincinv(a, b + count, middle)
        shares = np.maximum(shares, 1e-300)[:, None]
        growth = np.log1p(shares * (period[rows] / (alpha + t[rows])))
        purchases = -np.expm1(-(r + count) * growth) / shares
        expected[rows] = (weights / 2) @ purchases
    return expected
