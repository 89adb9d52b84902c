"""Tables behind the pictures of a probability: reliability, gains by decile, profit."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from python_ext.propensity._resampling import (
    Pooled,
    checked,
    coarsen,
    equal_bins,
    interval,
    pool,
    resample,
)

RELIABILITY_COLUMNS = {
    "bin": "bigint",
    "customers": "bigint",
    "probability_low": "double",
    "probability_high": "double",
    "predicted": "double",
    "hits": "bigint",
    "actual": "double",
    "ci_low": "double",
    "ci_high": "double",
    "gap": "double",
    "is_off": "boolean",
}
GAIN_COLUMNS = {
    "decile": "bigint",
    "customers": "double",
    "hits": "double",
    "expected_hits": "double",
    "rate": "double",
    "rate_ci_low": "double",
    "rate_ci_high": "double",
    "lift": "double",
    "lift_ci_low": "double",
    "lift_ci_high": "double",
    "cumulative_gain": "double",
    "cumulative_gain_ci_low": "double",
    "cumulative_gain_ci_high": "double",
    "cumulative_lift": "double",
    "least_probability": "double",
    "expected_profit": "double",
    "actual_profit": "double",
    "cumulative_expected_profit": "double",
    "cumulative_actual_profit": "double",
    "cumulative_actual_profit_ci_low": "double",
    "cumulative_actual_profit_ci_high": "double",
}
PROFIT_COLUMNS = {
    "percent": "bigint",
    "customers": "double",
    "hits": "double",
    "gain": "double",
    "least_probability": "double",
    "expected_profit": "double",
    "actual_profit": "double",
    "actual_profit_ci_low": "double",
    "actual_profit_ci_high": "double",
    "is_worthwhile": "boolean",
    "is_best": "boolean",
}
TOLERANCE = 0.02  # a gap of probabilities that nobody would act on, however sure it is


def cost_optimal_threshold(*, contact_cost: float | None, hit_gain: float | None) -> float | None:
    """The probability above which a contact pays: contact when p * hit_gain > contact_cost.

    Returns
    -------
    float or None
        ``contact_cost / hit_gain``; infinity where nothing is gained; None where either is unknown.
    """
    if contact_cost is None or hit_gain is None or pd.isna(contact_cost) or pd.isna(hit_gain):
        return None
    return float(contact_cost) / float(hit_gain) if hit_gain > 0 else np.inf


def wilson_interval(
    hits: np.ndarray, rows: np.ndarray, *, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's score interval of a share (1927); NaN without rows."""
    hits, rows = np.asarray(hits, dtype=float), np.asarray(rows, dtype=float)
    z = stats.norm.ppf((1 + level) / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = hits / rows
        middle = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
        half = z / (1 + z**2 / rows) * np.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def reliability_table(
    label: np.ndarray,
    probability: np.ndarray,
    *,
    bins: int = 10,
    level: float = 0.95,
    tolerance: float = TOLERANCE,
    learned_rows: int | None = None,
) -> pd.DataFrame:
    """Predicted against actual rate, in bins of about equally many rows.

    Parameters
    ----------
    label, probability
        Shape (rows,).
    bins
        Most bins; fewer where many share a probability, for equal ones stay together.
    level
        Of the intervals.
    tolerance
        A smaller gap is never called off.
    learned_rows
        Of a probability that is the rate of so many other rows, and so uncertain itself.

    Returns
    -------
    pandas.DataFrame
        One row per bin, ascending: ``bin`` (from 1), ``customers``, ``probability_low``,
        ``probability_high`` (least and greatest), ``predicted`` (mean), ``hits``, ``actual``,
        ``ci_low``, ``ci_high`` (Wilson), ``gap`` (predicted - actual), ``is_off``: the gap is
        wider than ``tolerance`` and the prediction lies outside an interval that is corrected for
        the number of bins (Bonferroni), so that chance calls one of all bins off in at most
        ``1 - level`` of cases. With ``learned_rows`` the two rates are compared (Newcombe's hybrid
        score interval, 1998).
    """
    label, probability = checked(label, probability)
    if not len(label):
        return pd.DataFrame(columns=list(RELIABILITY_COLUMNS))
    pooled = pool(label, probability)
    p, hits = pooled.probability, pooled.hits[0]
    rows = hits + pooled.misses[0]
    starts = np.flatnonzero(np.diff(equal_bins(rows, bins=bins), prepend=-1))
    in_bin, happened = np.add.reduceat(rows, starts), np.add.reduceat(hits, starts)
    table = pd.DataFrame(
        {
            "bin": np.arange(1, len(starts) + 1),
            "customers": in_bin.astype(int),
            "probability_low": p[starts],
            "probability_high": p[np.append(starts[1:], len(p)) - 1],
            "predicted": np.add.reduceat(rows * p, starts) / in_bin,
            "hits": happened.astype(int),
            "actual": happened / in_bin,
        }
    )
    table["ci_low"], table["ci_high"] = wilson_interval(happened, in_bin, level=level)
    table["gap"] = table["predicted"] - table["actual"]
    each = 1 - (1 - level) / len(table)
    low, high = wilson_interval(happened, in_bin, level=each)
    least = most = table["predicted"]
    if learned_rows is not None:
        least, most = wilson_interval(least * learned_rows, learned_rows, level=each)
    gap, predicted, actual = table["gap"], table["predicted"], table["actual"]
    beyond = np.where(
        gap > 0,
        np.hypot(high - actual, predicted - least),
        np.hypot(actual - low, most - predicted),
    )
    table["is_off"] = gap.abs() > np.maximum(beyond, tolerance)
    return table[list(RELIABILITY_COLUMNS)]


def _shared_out(values: np.ndarray, rows: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Running sum of ``values`` over the first ``places`` rows, best first.

    Rows of one cell are alike: where a cell is cut, each of its places counts the mean of it.
    """
    return np.interp(
        places, np.concatenate([[0], np.cumsum(rows)]), np.concatenate([[0], np.cumsum(values)])
    )


def _running_hits(pooled: Pooled, *, parts: int) -> np.ndarray:
    """Hits among the first 0, 1, ..., ``parts`` of equally many places: shape (draws, parts + 1).

    Resamples of groups differ in size: hits are given per row of the resample.
    """
    hits = pooled.hits[:, ::-1]
    rows = hits + pooled.misses[:, ::-1]
    shares = np.arange(parts + 1) / parts
    return np.array(
        [
            _shared_out(own, of, of.sum() * shares) / of.sum()
            for own, of in zip(hits, rows, strict=True)
        ]
    )


def _resampled_hits(
    label: np.ndarray,
    probability: np.ndarray,
    *,
    parts: int,
    group: np.ndarray | None,
    resamples: int,
    seed: int,
) -> np.ndarray:
    """Running hits of resamples, per row; what joining neighbours changes is taken off."""
    exact = pool(label, probability)
    coarse = coarsen(exact, label, cut=None, bins=parts)
    rng = np.random.default_rng(seed)
    drawn = resample(coarse, label, group=group, resamples=resamples, rng=rng)
    shift = _running_hits(exact, parts=parts) - _running_hits(coarse, parts=parts)
    found = [_running_hits(block, parts=parts) + shift for block in drawn]
    return np.concatenate(found) if found else np.empty((0, parts + 1))


def _intervals(drawn: np.ndarray, *, level: float) -> np.ndarray:
    """Interval of each column: shape (columns, 2)."""
    return np.array([interval(column, level=level) for column in drawn.T])


def _quotient(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    shape = np.broadcast_shapes(numerator.shape, denominator.shape)
    return np.divide(numerator, denominator, out=np.full(shape, np.nan), where=denominator > 0)


def _known_money(contact_cost: float | None, hit_gain: float | None) -> tuple[float, float]:
    """Cost and gain, both NaN where either is unknown."""
    known = cost_optimal_threshold(contact_cost=contact_cost, hit_gain=hit_gain) is not None
    return (float(contact_cost), float(hit_gain)) if known else (np.nan, np.nan)


def _cumulated(
    label: np.ndarray,
    probability: np.ndarray,
    *,
    parts: int,
    contact_cost: float | None,
    hit_gain: float | None,
) -> pd.DataFrame:
    """Sums over the first 0, 1, ..., ``parts`` of equally many places, best first."""
    pooled = pool(label, probability)
    hits, p = pooled.hits[0][::-1], pooled.probability[::-1]
    rows = hits + pooled.misses[0][::-1]
    places = rows.sum() * np.arange(parts + 1) / parts
    last = np.searchsorted(np.cumsum(rows), places, side="left")
    table = pd.DataFrame(
        {
            "customers": places,
            "hits": _shared_out(hits, rows, places),
            "expected_hits": _shared_out(rows * p, rows, places),
            "least_probability": p[np.minimum(last, len(p) - 1)],
        }
    )
    cost, gain = _known_money(contact_cost, hit_gain)
    table["expected_profit"] = table["expected_hits"] * gain - table["customers"] * cost
    table["actual_profit"] = table["hits"] * gain - table["customers"] * cost
    return table


def gain_table(
    label: np.ndarray,
    probability: np.ndarray,
    *,
    contact_cost: float | None = None,
    hit_gain: float | None = None,
    parts: int = 10,
    group: np.ndarray | None = None,
    resamples: int = 200,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """What each tenth of the customers holds, the most likely first.

    Equal probabilities share the places of a tenth, so numbers of customers and hits may be broken.

    Parameters
    ----------
    label, probability
        Shape (rows,).
    contact_cost, hit_gain
        As in ``judge``; without both the profits are NaN.
    parts
        10 for deciles.
    group, resamples, seed, level
        As in ``judge``, of the bootstrap intervals.

    Returns
    -------
    pandas.DataFrame
        ``decile`` (1 for the most likely), ``customers``, ``hits``, ``expected_hits``, ``rate``,
        ``lift`` (rate over that of all), ``cumulative_gain`` (share of all hits down to here),
        ``cumulative_lift``, ``least_probability``, ``expected_profit``, ``actual_profit`` (of
        contacting this tenth), ``cumulative_expected_profit``, ``cumulative_actual_profit``; and
        with ``_ci_low`` and ``_ci_high`` the intervals of rate, lift, cumulative gain and
        cumulative actual profit.
    """
    label, probability = checked(label, probability)
    if not len(label):
        return pd.DataFrame(columns=list(GAIN_COLUMNS))
    money = {"contact_cost": contact_cost, "hit_gain": hit_gain}
    running = _cumulated(label, probability, parts=parts, **money)
    own = running.diff().iloc[1:].reset_index(drop=True)
    running = running.iloc[1:].reset_index(drop=True)
    own["decile"] = np.arange(1, parts + 1)
    own["rate"] = own["hits"] / own["customers"]
    happened = float(label.sum()) if label.any() else np.nan
    own["lift"] = own["rate"] / (happened / len(label))
    own["cumulative_gain"] = running["hits"] / happened
    own["cumulative_lift"] = own["cumulative_gain"] * parts / own["decile"]
    own["least_probability"] = running["least_probability"]
    own["cumulative_expected_profit"] = running["expected_profit"]
    own["cumulative_actual_profit"] = running["actual_profit"]
    hits = _resampled_hits(
        label, probability, parts=parts, group=group, resamples=resamples, seed=seed
    )
    rate, total = np.diff(hits, axis=1) * parts, hits[:, -1:]
    cost, gain = _known_money(contact_cost, hit_gain)
    for name, drawn in (
        ("rate", rate),
        ("lift", _quotient(rate, total)),
        ("cumulative_gain", _quotient(hits[:, 1:], total)),
        (
            "cumulative_actual_profit",
            len(label) * hits[:, 1:] * gain - running["customers"].to_numpy() * cost,
        ),
    ):
        own[[f"{name}_ci_low", f"{name}_ci_high"]] = _intervals(drawn, level=level)
    return own[list(GAIN_COLUMNS)]


def profit_curve(
    label: np.ndarray,
    probability: np.ndarray,
    *,
    contact_cost: float,
    hit_gain: float,
    points: int = 100,
    group: np.ndarray | None = None,
    resamples: int = 200,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """What contacting the most likely share of customers would have earned.

    Parameters
    ----------
    label, probability
        Shape (rows,).
    contact_cost, hit_gain
        As in ``judge``.
    points
        100 for a point per percent.
    group, resamples, seed, level
        As in ``judge``, of the bootstrap intervals.

    Returns
    -------
    pandas.DataFrame
        ``points + 1`` rows: ``percent`` (0 to 100), ``customers`` contacted, ``hits`` (broken
        where equal probabilities share places), ``gain`` (share of all hits),
        ``least_probability`` of who is contacted (NaN for nobody), ``expected_profit``,
        ``actual_profit`` with its interval, ``is_worthwhile`` (the last one contacted still pays
        by its probability), ``is_best`` (the most profitable point, known only afterwards; the
        earliest of several).
    """
    label, probability = checked(label, probability)
    if not len(label):
        return pd.DataFrame(columns=list(PROFIT_COLUMNS))
    money = {"contact_cost": contact_cost, "hit_gain": hit_gain}
    table = _cumulated(label, probability, parts=points, **money)
    table["percent"] = 100 * np.arange(points + 1) / points
    table["gain"] = table["hits"] / (label.sum() if label.any() else np.nan)
    table.loc[0, "least_probability"] = np.nan
    threshold = cost_optimal_threshold(**money)
    table["is_worthwhile"] = table["least_probability"] > (
        np.inf if threshold is None else threshold
    )
    hits = _resampled_hits(
        label, probability, parts=points, group=group, resamples=resamples, seed=seed
    )
    cost, gain = _known_money(contact_cost, hit_gain)
    drawn = len(label) * hits * gain - table["customers"].to_numpy() * cost
    table[["actual_profit_ci_low", "actual_profit_ci_high"]] = _intervals(drawn, level=level)
    best = table["actual_profit"].fillna(0).round(9).to_numpy().argmax()
    table["is_best"] = (np.arange(len(table)) == best) & table["actual_profit"].notna()
    return table[list(PROFIT_COLUMNS)]
