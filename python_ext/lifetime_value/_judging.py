"""How well predicted amounts fit what was spent, with intervals over customers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

# Between Poisson (1) and gamma (2): right for means of amounts with many zeros and a long tail.
POWER = 1.5
# A prediction of nothing at all would be infinitely wrong where something is spent, and a single
# such customer would decide alone: predictions count as at least this share of the mean spending.
SMALLEST_SHARE = 0.01


def tweedie_deviance(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Deviance of each row at power 1.5; its mean is smallest for the true means.

    Parameters
    ----------
    actual : numpy.ndarray
        What was spent; less than nothing (returns) counts as nothing.
    predicted : numpy.ndarray
        What was expected; counts as at least a hundredth of the mean of ``actual``.
    """
    actual = np.maximum(actual, 0)
    predicted = np.maximum(predicted, max(SMALLEST_SHARE * actual.mean(), 1e-9))
    return 4 * (np.sqrt(actual) - np.sqrt(predicted)) ** 2 / np.sqrt(predicted)


@dataclass(frozen=True)
class _Ordered:
    """Rows by falling prediction, equal ones in one group."""

    order: np.ndarray
    group: np.ndarray

    @classmethod
    def by(cls, predicted: np.ndarray) -> _Ordered:
        order = np.argsort(-predicted, kind="stable")
        ordered = predicted[order]
        group = np.concatenate([[0], np.cumsum(ordered[1:] != ordered[:-1])])
        return cls(order, group)

    def curve(self, actual: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Share of customers against share of spending, best first."""
        weight, actual = weight[self.order], actual[self.order]
        groups = int(self.group[-1]) + 1
        rows = np.bincount(self.group, weights=weight, minlength=groups).cumsum()
        spent = np.bincount(self.group, weights=weight * actual, minlength=groups).cumsum()
        if rows[-1] <= 0 or spent[-1] <= 0:
            return np.array([0.0, 1.0]), np.array([0.0, np.nan])
        return np.append(0, rows / rows[-1]), np.append(0, spent / spent[-1])

    def ranks(self, weight: np.ndarray) -> np.ndarray:
        """Middle rank of each row, in the order of the rows as given."""
        size = np.bincount(self.group, weights=weight[self.order])
        middle = size.cumsum() - size / 2
        ranks = np.empty(len(weight))
        ranks[self.order] = -middle[self.group]
        return ranks


def _area(curve: tuple[np.ndarray, np.ndarray]) -> float:
    return float(2 * np.trapezoid(curve[1], curve[0]) - 1)


def _correlation(left: np.ndarray, right: np.ndarray, weight: np.ndarray) -> float:
    left, right = (v - np.average(v, weights=weight) for v in (left, right))
    spread = np.sqrt((weight @ left**2) * (weight @ right**2))
    return float(weight @ (left * right) / spread) if spread > 0 else float("nan")


class Judge:
    """Figures of one prediction under any weights of the customers.

    Parameters
    ----------
    actual, predicted : array_like
        Of each customer.
    """

    def __init__(self, actual, predicted) -> None:
        self.actual = np.asarray(actual, dtype=float)
        self.predicted = np.asarray(predicted, dtype=float)
        self.deviance = tweedie_deviance(self.actual, self.predicted)
        self.by_prediction, self.by_truth = _Ordered.by(self.predicted), _Ordered.by(self.actual)

    def figures(self, weight: np.ndarray | None = None) -> dict[str, float]:
        """MAE, RMSE, deviance, Gini over the best Gini, rank correlation, bias, top decile.

        ``gini`` is 1 for a perfect order of the customers and 0 for none. ``bias`` is what all
        predictions together are too high, as a share of all that was spent. ``top_decile_share``
        is the share of spending that the tenth with the highest predictions made.
        """
        weight = np.ones(len(self.actual)) if weight is None else weight
        wrong = self.predicted - self.actual
        curve = self.by_prediction.curve(self.actual, weight)
        best = _area(self.by_truth.curve(self.actual, weight))
        spent = float(weight @ self.actual)
        return {
            "mae": float(np.average(np.abs(wrong), weights=weight)),
            "rmse": float(np.sqrt(np.average(wrong**2, weights=weight))),
            "deviance": float(np.average(self.deviance, weights=weight)),
            "gini": _area(curve) / best if best > 0 else float("nan"),
            "rank_correlation": _correlation(
                self.by_prediction.ranks(weight), self.by_truth.ranks(weight), weight
            ),
            "bias": float(weight @ wrong) / spent if spent > 0 else float("nan"),
            "top_decile_share": float(np.interp(0.1, *curve)),
            "mean_actual": float(np.average(self.actual, weights=weight)),
            "mean_predicted": float(np.average(self.predicted, weights=weight)),
        }


def judge_amounts(actual, predicted, *, resamples: int = 200, seed: int = 0) -> pd.DataFrame:
    """Figures of a prediction with 95 % bootstrap intervals over customers.

    Parameters
    ----------
    actual, predicted : array_like
        Of each customer, one row each.
    resamples, seed
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        ``metric``, ``value``, ``ci_low``, ``ci_high``; empty for no customers.
    """
    columns = ["metric", "value", "ci_low", "ci_high"]
    if not len(actual):
        return pd.DataFrame(columns=columns)
    judged = Judge(actual, predicted)
    drawn = pd.DataFrame(
        [judged.figures(weight) for weight in _weights(len(judged.actual), resamples, seed)]
    )
    rows = []
    for metric, value in judged.figures().items():
        low, high = (
            np.nanquantile(drawn[metric], [0.025, 0.975])
            if np.isfinite(value)
            else ((np.nan, np.nan))
        )
        rows.append((metric, value, float(low), float(high)))
    return pd.DataFrame(rows, columns=columns)


def compare_deviance(
    actual, simple, rich, *, resamples: int = 200, seed: int = 0
) -> tuple[float, float, float]:
    """How much lower the mean deviance of ``rich`` is than that of ``simple``, with its interval.

    Both are judged on the same customers, and resampled together.
    """
    gap = tweedie_deviance(np.asarray(actual, float), np.asarray(simple, float))
    gap = gap - tweedie_deviance(np.asarray(actual, float), np.asarray(rich, float))
    drawn = [float(w @ gap) / len(gap) for w in _weights(len(gap), resamples, seed)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(gap.mean()), float(low), float(high)


def _weights(rows: int, resamples: int, seed: int):
    rng = np.random.default_rng(seed)
    for _ in range(resamples):
        yield np.bincount(rng.integers(0, rows, rows), minlength=rows).astype(float)
