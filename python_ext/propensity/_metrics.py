"""Figures that judge a probability against what happened, with intervals over customers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from python_ext.propensity._curves import cost_optimal_threshold
from python_ext.propensity._recalibration import SMALLEST, intercepts, slopes
from python_ext.propensity._resampling import (
    Pooled,
    checked,
    coarsen,
    equal_bins,
    interval,
    pool,
    resample,
)

CALIBRATION_BINS = 10
# Their resamples lie higher than what was seen, since noise adds to them: a mean of absolute gaps,
# and a maximum. Their intervals are moved back by as much.
_LIFTED_BY_NOISE = ("expected_calibration_error", "maximum_profit_per_customer")
_WITHOUT_INTERVAL = ("rows", "threshold")


def row_log_loss(label: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Log loss of each row, natural logarithm."""
    clipped = np.clip(probability, SMALLEST, 1 - SMALLEST)
    return -np.where(label, np.log(clipped), np.log(1 - clipped))


def expected_calibration_error(
    label: np.ndarray, probability: np.ndarray, *, bins: int = CALIBRATION_BINS
) -> float:
    """Mean gap between predicted and actual rate over bins of about equal size, weighted by rows.

    Equal probabilities share a bin, so that the order of the rows means nothing.
    """
    pooled = pool(*checked(label, probability))
    return float(_calibration_errors(pooled, _bin_starts(pooled, bins=bins))[0][0])


def calibration_slope(label: np.ndarray, probability: np.ndarray) -> float:
    """Slope of a logistic regression of the label on the predicted log-odds; 1 is ideal."""
    return float(slopes(pool(*checked(label, probability)))[0])


def lift_top_decile(label: np.ndarray, probability: np.ndarray) -> float:
    """Rate among the tenth with the highest probability over the rate of all.

    Equal probabilities share the places left to them, so that a constant has lift 1.
    """
    return float(10 * _gain_of_top_decile(pool(*checked(label, probability)))[0])


def auc_interval(
    label: np.ndarray,
    probability: np.ndarray,
    *,
    group: np.ndarray | None = None,
    resamples: int = 200,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float]:
    """Percentile bootstrap interval of the AUC over customers, as ``judge`` gives it."""
    label, probability = checked(label, probability)
    exact = pool(label, probability)
    coarse = coarsen(exact, label, cut=None, bins=CALIBRATION_BINS)
    rng = np.random.default_rng(seed)
    drawn = resample(coarse, label, group=group, resamples=resamples, rng=rng)
    found = np.concatenate([_auc(part) for part in drawn]) if resamples else np.empty(0)
    return interval(found + _auc(exact) - _auc(coarse), level=level)


def judge(
    label: np.ndarray,
    probability: np.ndarray,
    *,
    contact_cost: float | None = None,
    hit_gain: float | None = None,
    group: np.ndarray | None = None,
    resamples: int = 200,
    seed: int = 0,
    level: float = 0.95,
    bins: int = CALIBRATION_BINS,
) -> pd.DataFrame:
    """All figures of one set of predictions.

    Parameters
    ----------
    label
        Shape (rows,): whether it happened.
    probability
        Shape (rows,), between 0 and 1.
    contact_cost, hit_gain
        What a contact costs, and what one gains for whom it happens, in one currency. Without
        both there are no figures of money, nor of the choice they lead to.
    group
        Shape (rows,): whose row it is, where one customer has several. Groups are then drawn, not
        rows.
    resamples
        Bootstrap resamples; 0 for none, and no intervals.
    seed
        Of the resamples.
    level
        Of the intervals.
    bins
        Bins of the calibration error, about equally large.

    Returns
    -------
    pandas.DataFrame
        ``metric``, ``value``, ``ci_low``, ``ci_high``; NaN where a figure cannot be told (one
        class is missing, nobody is contacted, there is no row). In this order:

        rows, prevalence
            How many, and the share for whom it happened.
        auc, average_precision
            How well it ranks. Average precision as scikit-learn has it, without interpolation.
        log_loss, brier, brier_skill
            How good the probabilities are; skill is 1 - brier / brier of the prevalence.
        expected_calibration_error
            Mean absolute gap between predicted and actual rate over the bins. Noise alone makes
            it positive: see the next.
        calibration_error_by_chance
            What perfectly calibrated probabilities like these would show, on average, and within
            which range (95 %): no interval of an estimate, but of chance.
        calibration_error_debiased
            Root mean squared gap, from each squared gap the variance of its noise taken off
            (Bröcker 2012; Kumar, Liang and Ma 2019). A root mean square is never less than a mean
            of absolute values, so a limit that it keeps is kept by the true mean gap too.
        calibration_slope, calibration_intercept
            Of a logistic regression on the predicted log-odds: slope 1 is ideal, less is too sure
            of itself. The intercept is that of slope 1 (calibration in the large): above 0 it
            happens more often than predicted.
        lift_top_decile, gain_top_decile
            Rate among the most likely tenth over that of all; share of all hits that it holds.
        threshold, contacts_share, precision, recall, f1
            Contacted is whoever has probability * hit_gain > contact_cost.
        profit_per_customer, expected_profit_per_customer
            Of those contacts, per customer of all: what came of it, and what was promised.
        profit_per_customer_of_all_contacted
            What contacting everybody gives.
        maximum_profit_per_customer
            Of the best cut through the ranking, known only afterwards; 0 is to contact nobody.

    Notes
    -----
    Percentile intervals of a bootstrap over customers. Rows are pooled by probability; beyond
    ``MOST_CELLS`` distinct ones neighbours are joined for the resamples, and the interval moved by
    what that changes.
    """
    label, probability = checked(label, probability)
    threshold = cost_optimal_threshold(contact_cost=contact_cost, hit_gain=hit_gain)
    money = None if threshold is None else (float(contact_cost), float(hit_gain))
    if not len(label):
        return pd.DataFrame(
            [{"metric": name, "value": np.nan} for name in _names(money)],
            columns=["metric", "value", "ci_low", "ci_high"],
        ).assign(value=lambda table: table["value"].where(table["metric"] != "rows", 0.0))
    exact = pool(label, probability)
    coarse = coarsen(exact, label, cut=threshold, bins=bins)
    seen = _figures(exact, _bin_starts(exact, bins=bins), money)
    starts = _bin_starts(coarse, bins=bins)
    base = _figures(coarse, starts, money)
    rng = np.random.default_rng(seed)
    blocks = [
        _figures(part, starts, money, warm=base)
        for part in resample(coarse, label, group=group, resamples=resamples, rng=rng)
    ]
    chance = _by_chance(coarse, starts, draws=resamples, rng=rng)
    rows = []
    for metric in _names(money):
        if metric == "calibration_error_by_chance":
            low, high = interval(chance, level=level)
            value = float(chance.mean()) if len(chance) else np.nan
        else:
            value = float(seen[metric][0])
            drawn = np.concatenate([b[metric] for b in blocks]) if blocks else np.empty(0)
            low, high = _interval(metric, value, float(base[metric][0]), drawn, level)
        if metric == "calibration_error_debiased":
            value, low, high = (np.sqrt(max(figure, 0.0)) for figure in (value, low, high))
        rows.append({"metric": metric, "value": value, "ci_low": low, "ci_high": high})
    return pd.DataFrame(rows)


def _names(money: tuple[float, float] | None) -> list[str]:
    """The figures in the order in which they are given."""
    names = (
        "rows prevalence auc average_precision log_loss brier brier_skill "
        "expected_calibration_error calibration_error_by_chance calibration_error_debiased "
        "calibration_slope calibration_intercept lift_top_decile gain_top_decile"
    )
    if money is not None:
        names += (
            " threshold contacts_share precision recall f1 profit_per_customer "
            "expected_profit_per_customer profit_per_customer_of_all_contacted "
            "maximum_profit_per_customer"
        )
    return names.split()


def _interval(
    metric: str, value: float, coarse: float, drawn: np.ndarray, level: float
) -> tuple[float, float]:
    if metric in _WITHOUT_INTERVAL:
        return np.nan, np.nan
    low, high = interval(drawn, level=level)
    known = drawn[np.isfinite(drawn)]
    if metric in _LIFTED_BY_NOISE or metric == "calibration_error_debiased":
        # The squared gap of a resample is that of the sample plus noise, of which the value is
        # already freed: only the spread of the resamples is used.
        shift = value - (known.mean() if len(known) else np.nan)
        low, high = low + shift, high + shift
        return (max(low, 0.0), high) if metric != "calibration_error_debiased" else (low, high)
    return low + value - coarse, high + value - coarse


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.divide(
        numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0
    )


def _auc(pooled: Pooled) -> np.ndarray:
    """Probability that a hit has a higher probability than a miss; ties count half."""
    below = np.cumsum(pooled.misses, axis=1) - pooled.misses / 2
    pairs = pooled.hits.sum(axis=1) * pooled.misses.sum(axis=1)
    return _ratio((pooled.hits * below).sum(axis=1), pairs)


def _average_precision(pooled: Pooled) -> np.ndarray:
    hits = np.cumsum(pooled.hits[:, ::-1], axis=1)
    chosen = hits + np.cumsum(pooled.misses[:, ::-1], axis=1)
    precision = np.divide(hits, chosen, out=np.zeros_like(hits), where=chosen > 0)
    return _ratio((pooled.hits[:, ::-1] * precision).sum(axis=1), hits[:, -1])


def _gain_of_top_decile(pooled: Pooled) -> np.ndarray:
    """Share of the hits among the most likely tenth; equal probabilities share its places."""
    hits = pooled.hits[:, ::-1]
    rows = hits + pooled.misses[:, ::-1]
    places = rows.sum(axis=1, keepdims=True) / 10
    taken = np.clip(places - (np.cumsum(rows, axis=1) - rows), 0, rows)
    found = np.divide(hits * taken, rows, out=np.zeros_like(hits), where=rows > 0)
    return _ratio(found.sum(axis=1), hits.sum(axis=1))


def _bin_starts(pooled: Pooled, *, bins: int) -> np.ndarray:
    """First cell of each calibration bin."""
    part = equal_bins(pooled.hits[0] + pooled.misses[0], bins=bins)
    return np.flatnonzero(np.diff(part, prepend=-1))


def _calibration_errors(pooled: Pooled, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean absolute gap over the bins, and mean squared gap less the variance of its noise."""
    p, rows = pooled.probability, pooled.hits + pooled.misses
    in_bin = np.add.reduceat(rows, starts, axis=1)
    residual = np.add.reduceat(pooled.hits - rows * p, starts, axis=1)
    squared = np.add.reduceat(pooled.hits * (1 - p) ** 2 + pooled.misses * p**2, starts, axis=1)
    total = rows.sum(axis=1)
    gap = np.divide(residual, in_bin, out=np.zeros_like(residual), where=in_bin > 0)
    noise = np.divide(
        squared - in_bin * gap**2,
        in_bin * (in_bin - 1),
        out=np.zeros_like(gap),
        where=in_bin > 1,
    )
    return np.abs(residual).sum(axis=1) / total, (in_bin * (gap**2 - noise)).sum(axis=1) / total


def _by_chance(
    pooled: Pooled, starts: np.ndarray, *, draws: int, rng: np.random.Generator
) -> np.ndarray:
    """The calibration error of labels drawn from the probabilities themselves."""
    rows = (pooled.hits[0] + pooled.misses[0]).astype(int)
    found = []
    for _ in range(draws):
        hits = rng.binomial(rows, pooled.probability)
        gap = np.add.reduceat(hits - rows * pooled.probability, starts)
        found.append(np.abs(gap).sum() / rows.sum())
    return np.array(found)


def _figures(
    pooled: Pooled,
    starts: np.ndarray,
    money: tuple[float, float] | None,
    *,
    warm: Mapping[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """Every figure of every draw. The debiased calibration error is still squared."""
    p, hits, misses = pooled.probability, pooled.hits, pooled.misses
    all_hits, total = hits.sum(axis=1), hits.sum(axis=1) + misses.sum(axis=1)
    prevalence = all_hits / total
    brier = (hits @ (1 - p) ** 2 + misses @ p**2) / total
    loss = [row_log_loss(np.full(len(p), happened), p) for happened in (True, False)]
    ece, squared = _calibration_errors(pooled, starts)
    gain = _gain_of_top_decile(pooled)
    slope = (
        1.0
        if warm is None or not np.isfinite(warm["calibration_slope"][0])
        else float(warm["calibration_slope"][0])
    )
    figures = {
        "rows": total,
        "prevalence": prevalence,
        "auc": _auc(pooled),
        "average_precision": np.where(misses.sum(axis=1) > 0, _average_precision(pooled), np.nan),
        "log_loss": (hits @ loss[0] + misses @ loss[1]) / total,
        "brier": brier,
        "brier_skill": 1 - _ratio(brier, prevalence * (1 - prevalence)),
        "expected_calibration_error": ece,
        "calibration_error_debiased": squared,
        "calibration_slope": slopes(pooled, start=(0.0, slope)),
        "calibration_intercept": intercepts(pooled),
        "lift_top_decile": 10 * gain,
        "gain_top_decile": gain,
    }
    return figures if money is None else {**figures, **_money(pooled, *money)}


def _money(pooled: Pooled, contact_cost: float, hit_gain: float) -> dict[str, np.ndarray]:
    """The figures of contacting whoever is worth it."""
    threshold = cost_optimal_threshold(contact_cost=contact_cost, hit_gain=hit_gain)
    chosen = (pooled.probability > threshold).astype(float)
    rows = pooled.hits + pooled.misses
    total, all_hits = rows.sum(axis=1), pooled.hits.sum(axis=1)
    found, contacts = pooled.hits @ chosen, rows @ chosen
    profit = pooled.hits * hit_gain - rows * contact_cost
    promised = pooled.probability * hit_gain - contact_cost
    best = np.maximum(np.cumsum(profit[:, ::-1], axis=1).max(axis=1), 0)
    return {
        "threshold": np.full(len(total), threshold if np.isfinite(threshold) else np.nan),
        "contacts_share": contacts / total,
        "precision": _ratio(found, contacts),
        "recall": _ratio(found, all_hits),
        "f1": _ratio(2 * found, contacts + all_hits),
        "profit_per_customer": (profit @ chosen) / total,
        "expected_profit_per_customer": (rows @ (chosen * promised)) / total,
        "profit_per_customer_of_all_contacted": profit.sum(axis=1) / total,
        "maximum_profit_per_customer": best / total,
    }
