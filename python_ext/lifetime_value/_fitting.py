"""Maximum likelihood over the logarithms of positive parameters: starts, errors, warnings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy

import python_ext._learning_libraries  # noqa: F401

# Log-parameters stay within e^-12 and e^12 of the scale of the data: far beyond any real shop, and
# near enough for gamma functions to keep their digits.
BOUND = 12.0
# A parameter this near to its bound has run away rather than settled.
NEAR_BOUND = 1.0
# Least average curvature, per customer, of a direction that the data speak of.
FLAT = 1e-7
# A relative standard error above this says nothing of the parameter but its sign.
VAGUE = 1.0


@dataclass(frozen=True)
class Fit:
    """A fitted model.

    Attributes
    ----------
    model : str
        Name of the model.
    parameters, standard_errors : dict
        By name of the parameter. A standard error is NaN where the likelihood is flat.
    log_likelihood : float
        At the maximum, over all customers.
    customers : float
        Customers it was fitted on (the sum of the weights).
    converged : bool
        Whether the gradient vanished from at least one start.
    warnings : tuple of str
        What a reader must know, in words.
    """

    model: str
    parameters: dict[str, float]
    standard_errors: dict[str, float]
    log_likelihood: float
    customers: float
    converged: bool
    warnings: tuple[str, ...] = field(default=())

    @property
    def values(self) -> tuple[float, ...]:
        """The parameters in the order of the model."""
        return tuple(self.parameters.values())


def maximise(
    objective: Callable[[np.ndarray], tuple[float, np.ndarray]],
    *,
    model: str,
    names: Sequence[str],
    starts: Sequence[Sequence[float]],
    scales: Sequence[float],
    customers: float,
    bound: float = BOUND,
    steps: int = 1000,
) -> Fit:
    """Find the parameters of greatest likelihood.

    Parameters
    ----------
    objective : callable
        From log-parameters to the log-likelihood of all customers and its gradient by
        log-parameter.
    model, names
        Name of the model and of its parameters.
    starts
        Points to begin from, in log-parameters.
    scales
        What a log-parameter is measured against: its bounds are ``log(scale) ± bound``.
    customers
        Sum of the weights.
    bound, steps
        How far a log-parameter may go, and how many steps a search may take.

    Returns
    -------
    Fit
        Standard errors are from the observed information of the log-parameters, by the delta
        method: the error of a parameter is the parameter times the error of its logarithm.
    """
    middle = np.log(np.asarray(scales, dtype=float))
    bounds = list(zip(middle - bound, middle + bound, strict=True))

    def average(point: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = objective(point)
        if not (np.isfinite(value) and np.all(np.isfinite(gradient))):
            return 1e10, np.zeros_like(point)
        return -value / customers, -gradient / customers

    ends = []
    for start in starts:
        found = scipy.optimize.minimize(
            average,
            np.clip(start, middle - bound, middle + bound),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={
                "maxiter": steps,
                "maxfun": 2 * steps,
                "ftol": 1e-13,
                "gtol": 1e-7,
                "maxls": 50,
            },
        )
        ends.append(found)
    best = min(ends, key=lambda end: end.fun)
    point, hessian = _polish(average, best.x, bounds)
    value, gradient = average(point)
    inside = np.array([low < p < high for p, (low, high) in zip(point, bounds, strict=True)])
    converged = bool(value < 1e9 and np.max(np.abs(gradient[inside]), initial=0.0) < 1e-5)
    errors, flat = _errors(hessian, customers)
    warnings = _warnings(point, middle, names, errors, flat, converged, ends, best, bound)
    parameters = np.exp(point)
    return Fit(
        model=model,
        parameters=dict(zip(names, map(float, parameters), strict=True)),
        standard_errors=dict(zip(names, map(float, parameters * errors), strict=True)),
        log_likelihood=float(-value * customers),
        customers=float(customers),
        converged=converged,
        warnings=tuple(warnings),
    )


def _hessian(average: Callable, point: np.ndarray, step: float = 1e-4) -> np.ndarray:
    """Second derivatives of the average, as differences of the gradient."""
    rows = []
    for number in range(len(point)):
        shift = np.zeros_like(point)
        shift[number] = step
        rows.append((average(point + shift)[1] - average(point - shift)[1]) / (2 * step))
    hessian = np.array(rows)
    return (hessian + hessian.T) / 2


def _polish(average: Callable, point: np.ndarray, bounds: list) -> tuple[np.ndarray, np.ndarray]:
    """A few Newton steps, so that the last digits do not hang on where the search gave up."""
    hessian = _hessian(average, point)
    for _ in range(5):
        value, gradient = average(point)
        if np.max(np.abs(gradient)) < 1e-11 or np.min(np.linalg.eigvalsh(hessian)) <= FLAT:
            break
        step = np.linalg.solve(hessian, gradient)
        new = np.array([np.clip(p, *b) for p, b in zip(point - step, bounds, strict=True)])
        if np.max(np.abs(step)) > 1 or average(new)[0] > value + 1e-12:
            break
        point, hessian = new, _hessian(average, new)
    return point, hessian


def _errors(hessian: np.ndarray, customers: float) -> tuple[np.ndarray, np.ndarray | None]:
    """Errors of the log-parameters, and the direction in which the likelihood is flat."""
    if not np.all(np.isfinite(hessian)):
        return np.full(len(hessian), np.nan), None
    values, vectors = np.linalg.eigh(hessian)
    if values[0] <= FLAT:
        return np.full(len(hessian), np.nan), vectors[:, 0]
    variance = (vectors / values) @ vectors.T / customers
    return np.sqrt(np.diag(variance)), None


def _warnings(point, middle, names, errors, flat, converged, ends, best, bound) -> list[str]:
    told = []
    if not converged:
        told.append("The search did not come to rest: the parameters are no maximum.")
    for name, away in zip(names, point - middle, strict=True):
        if abs(away) > bound - NEAR_BOUND:
            towards = "zero" if away < 0 else "infinity"
            told.append(f"{name} runs towards {towards}: the data do not determine it.")
    if flat is not None:
        parts = [n for n, share in zip(names, flat, strict=True) if abs(share) > 0.3]
        told.append(
            f"The likelihood is flat along {' and '.join(parts)}: only a combination of them is "
            "determined, and there are no standard errors."
        )
    elif np.all(np.isfinite(errors)):
        vague = [n for n, error in zip(names, errors, strict=True) if error > VAGUE]
        if vague:
            told.append(
                f"The standard error of {' and '.join(vague)} is larger than the value: it is "
                "hardly determined."
            )
    others = [end for end in ends if end.fun < 1e9 and end.fun > best.fun + 1e-4]
    if others:
        told.append(f"{len(others)} of {len(ends)} starts ended at a lower likelihood.")
    return told
