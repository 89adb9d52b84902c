"""Population stability: the index, what chance alone gives, and how bad it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import beta, chi2, norm

from python_ext.errors import SegmentationError

# One in a thousand, for a view of twenty features is looked at in every build.
CHANCE = 0.001
SEVERITIES = ("stable", "moderate", "major")


@dataclass(frozen=True)
class DriftLimits:
    """From which size on drift is moderate or major, where it is more than chance as well.

    Attributes
    ----------
    psi
        ``moderate`` and ``major`` PSI. 0.1 and 0.25 are a rule of thumb of credit scoring.
    share
        The same of a share of customers: by which the unknown became more or fewer, or whose
        category the reference does not have.
    """

    psi: Mapping[str, float] = field(default_factory=lambda: {"moderate": 0.1, "major": 0.25})
    share: Mapping[str, float] = field(default_factory=lambda: {"moderate": 0.05, "major": 0.2})

    def __post_init__(self) -> None:
        for name, limits in (("drift_psi", self.psi), ("drift_share", self.share)):
            known = isinstance(limits, Mapping) and set(limits) == set(SEVERITIES[1:])
            if not known or not 0 < float(limits["moderate"]) < float(limits["major"]):
                raise SegmentationError(
                    f"{name} is {limits!r}; write two numbers over 0, the smaller first, as "
                    "{moderate: 0.1, major: 0.25}."
                )


def population_stability(expected: np.ndarray, actual: np.ndarray) -> float:
    """PSI = Σ (aᵢ − eᵢ) ln(aᵢ / eᵢ) of two distributions over the same bins.

    Parameters
    ----------
    expected, actual
        Customers per bin. An empty bin counts as half a customer, so that the logarithm exists.
    """
    if not expected.sum() or not actual.sum():
        return 0.0
    e = np.maximum(expected, 0.5) / expected.sum()
    a = np.maximum(actual, 0.5) / actual.sum()
    return float(((a - e) * np.log(a / e)).sum())


def critical_stability(bins: int, expected: int, actual: int, *, chance: float = CHANCE) -> float:
    """The PSI that chance alone exceeds with a given probability.

    For two samples of one distribution PSI / (1/n + 1/m) is about χ² distributed with a degree of
    freedom less than there are bins (Yurdakul and Naranjo 2020). Where the two samples share
    customers, chance gives less than that.

    Parameters
    ----------
    bins
        Number of bins that hold anybody.
    expected, actual
        Customers n and m.
    """
    if bins < 2 or not expected or not actual:
        return 0.0
    return float(chi2.ppf(1 - chance, bins - 1) * (1 / expected + 1 / actual))


def compare_counts(expected: np.ndarray, actual: np.ndarray) -> dict[str, float]:
    """``psi`` of two rows of counts, and its ``critical`` value for their sizes."""
    held = (expected > 0) | (actual > 0)
    return {
        "psi": population_stability(expected[held], actual[held]),
        "critical": critical_stability(int(held.sum()), int(expected.sum()), int(actual.sum())),
    }


def usual_limit(usual: float, critical: float, expected: int, actual: int) -> float:
    """The PSI up to which a step is as large as an earlier one, but for chance.

    Where there is drift, PSI / (1/n + 1/m) is about noncentral χ² distributed; most of the variance
    of PSI is then 4 PSI (1/n + 1/m), here of both steps. ``critical`` stands for the rest.

    Parameters
    ----------
    usual
        PSI of the earlier step, taken to be of as many customers.
    critical
        Of ``critical_stability``.
    expected, actual
        Customers n and m.
    """
    error = np.sqrt(8 * usual * (1 / expected + 1 / actual))
    return float(usual + critical + norm.isf(CHANCE) * error)


def critical_share_change(
    first: float, expected: int, second: float, actual: int, *, chance: float = CHANCE
) -> float:
    """The difference of two observed shares that chance alone exceeds (two-sided z test).

    Pooled variance with Yates' correction, so that a handful of customers proves nothing.

    Parameters
    ----------
    first, second
        The two shares.
    expected, actual
        Customers they are of.
    """
    if not expected or not actual:
        return 1.0
    pooled = (first * expected + second * actual) / (expected + actual)
    inverse = 1 / expected + 1 / actual
    error = np.sqrt(pooled * (1 - pooled) * inverse)
    return float(norm.isf(chance / 2) * error + inverse / 2)


def critical_new_share(expected: int, floor: int, *, chance: float = CHANCE) -> float:
    """The share a category can have and still stay below the floor at the reference, by chance.

    The upper limit of Clopper and Pearson (1934) for ``floor - 1`` of ``expected`` customers.
    """
    if expected < floor:
        return 1.0
    return float(beta.ppf(1 - chance, floor, expected - floor + 1))


def judge_severity(row: Mapping[str, float], *, limits: DriftLimits | None = None) -> str:
    """The worst of three: the distribution, the share of unknown values, the new categories.

    Parameters
    ----------
    row
        ``psi`` and ``critical``; ``null_change`` and ``null_critical``; ``new_category_share``,
        in which only categories beyond chance are counted. A limit has to be exceeded: a PSI of
        exactly 0.1 is stable.
    """
    limits = limits or DriftLimits()
    for severity in reversed(SEVERITIES[1:]):
        psi, share = float(limits.psi[severity]), float(limits.share[severity])
        if (
            row["psi"] > max(psi, row["critical"])
            or abs(row["null_change"]) > max(share, row["null_critical"])
            or row["new_category_share"] > share
        ):
            return severity
    return SEVERITIES[0]
