"""Gamma-Gamma: what an order is worth, given the mean of those seen.

Fader and Hardie, "The Gamma-Gamma model of monetary value" (2013). Order values of a customer are
gamma distributed (shape p) around a mean that differs between customers (q, v); the mean does not
depend on how often the customer buys, which is to be checked.
"""

from __future__ import annotations

import numpy as np
import scipy

import python_ext._learning_libraries  # noqa: F401
from python_ext.errors import SegmentationError
from python_ext.lifetime_value._fitting import Fit, maximise

NAMES = ("p", "q", "v")
gammaln, digamma = scipy.special.gammaln, scipy.special.digamma


def fit_gamma_gamma(x, value, weight=None) -> Fit:
    """Fit by maximum likelihood.

    Parameters
    ----------
    x : array_like
        Repeat purchases. Customers without one, or with a mean value that is not positive, say
        nothing and are left out.
    value : array_like
        Mean value of the repeat purchases.
    weight : array_like, optional
        Customers that a row stands for.

    Raises
    ------
    SegmentationError
        Nobody is left.
    """
    x, value = np.asarray(x, dtype=float), np.asarray(value, dtype=float)
    weight = np.ones_like(x) if weight is None else np.asarray(weight, dtype=float)
    used = (x > 0) & (value > 0)
    if not used.any():
        raise SegmentationError(
            "No customer has a repeat purchase of positive value: the value of an order cannot be "
            "fitted. Give a longer history."
        )
    x, value, weight = x[used], value[used], weight[used]
    scale = float(np.average(value, weights=weight))
    starts = [np.log([p, q, v * scale]) for p, q, v in ((4.0, 4.0, 0.75), (1.0, 2.0, 1.0))]
    fit = maximise(
        _Likelihood(x, value, weight),
        model="gamma_gamma",
        names=NAMES,
        starts=starts,
        scales=(1.0, 1.0, scale),
        customers=float(weight.sum()),
    )
    if fit.parameters["q"] <= 1:
        told = "q is at most 1: the mean order value of all customers is infinite under the model."
        return Fit(**{**fit.__dict__, "warnings": (*fit.warnings, told)})
    return fit


class _Likelihood:
    def __init__(self, x: np.ndarray, value: np.ndarray, weight: np.ndarray) -> None:
        self.x, self.weight, self.total = x, weight, x * value
        self.log_value, self.log_x = np.log(value), np.log(x)
        self.counts, number = np.unique(x, return_inverse=True)
        self.by_count = np.bincount(number, weights=weight)
        self.log_total = float((weight * x) @ np.log(self.total))

    def __call__(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        p, q, v = np.exp(point)
        counts, counted = self.counts, self.by_count
        log_v_total = np.log(v + self.total)
        customers = counted.sum()
        value = (
            counted @ (gammaln(p * counts + q) - gammaln(p * counts))
            + customers * (q * np.log(v) - gammaln(q))
            + p * self.log_total
            - self.weight @ self.log_value
            - self.weight @ ((p * self.x + q) * log_v_total)
        )
        joint = digamma(p * counts + q)
        by_p = (
            counted @ (counts * (joint - digamma(p * counts)))
            + self.log_total
            - (self.weight * self.x) @ log_v_total
        )
        by_q = counted @ joint + customers * (np.log(v) - digamma(q)) - self.weight @ log_v_total
        by_v = customers * q / v - self.weight @ ((p * self.x + q) / (v + self.total))
        return float(value), np.array([by_p, by_q, by_v]) * np.exp(point)


def expected_order_value(parameters, x, value) -> np.ndarray:
    """Mean value of an order to come: between the customer's own mean and that of all.

    Parameters
    ----------
    parameters : sequence of float
        p, q, v, with q over 1.
    x, value : array_like
        Repeat purchases and their mean value; the value is not looked at where x is 0, where the
        formula gives the mean of all customers, p·v/(q-1).
    """
    p, q, v = parameters
    x = np.asarray(x, dtype=float)
    value = np.where(x > 0, np.nan_to_num(np.asarray(value, dtype=float)), 0.0)
    return p * (v + x * value) / (p * x + q - 1)


def check_independence(x, value, weight=None, *, limit: float = 0.1) -> tuple[float, str]:
    """Correlation of frequency and value among those who bought again, and what it means.

    Returns
    -------
    tuple of float and str
        The correlation of the logarithms (NaN where there is none), and words.
    """
    x, value = np.asarray(x, dtype=float), np.asarray(value, dtype=float)
    weight = np.ones_like(x) if weight is None else np.asarray(weight, dtype=float)
    used = (x > 0) & (value > 0)
    x, value, weight = np.log(x[used]), np.log(value[used]), weight[used]
    if weight.sum() < 3 or np.ptp(x) == 0 or np.ptp(value) == 0:
        return float("nan"), "Too few customers bought again to see if value hangs on frequency."
    covariance = np.cov(np.stack([x, value]), aweights=weight)
    correlation = float(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))
    if abs(correlation) <= limit:
        return correlation, f"Frequency and order value hardly correlate ({correlation:.2f})."
    more = "more" if correlation > 0 else "less"
    return correlation, (
        f"Who buys more often spends {more} per order (correlation {correlation:.2f}): the "
        "Gamma-Gamma model takes the two for independent, so values at both ends are off."
    )
