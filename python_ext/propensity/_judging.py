"""The judgement of every champion as tables: reliability, gains, profits and groups by target."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import pandas as pd

from python_ext.errors import SegmentationError
from python_ext.frames import Schema
from python_ext.propensity._curves import (
    GAIN_COLUMNS,
    PROFIT_COLUMNS,
    RELIABILITY_COLUMNS,
    TOLERANCE,
    gain_table,
    profit_curve,
    reliability_table,
)
from python_ext.propensity._groups import GROUP_COLUMNS, GROUP_LIMITS, judge_groups
from python_ext.propensity._promotion import PREVALENCE

_STEPS = (1, 2, 4, 5, 10, 20, 25, 50, 100)  # points of a curve at whole percents
_MODEL = {"target": "string", "model_id": "string"}

RELIABILITY_SCHEMA = Schema({**_MODEL, **RELIABILITY_COLUMNS}, key=("target", "bin"))
GAINS_SCHEMA = Schema({**_MODEL, **GAIN_COLUMNS}, key=("target", "decile"))
PROFITS_SCHEMA = Schema({**_MODEL, **PROFIT_COLUMNS}, key=("target", "percent"))
GROUPS_SCHEMA = Schema({**_MODEL, **GROUP_COLUMNS}, key=("target", "attribute", "group_value"))


def judge_reliability(
    scored: pd.DataFrame,
    models: pd.DataFrame | None = None,
    *,
    bins: int = 10,
    tolerance: float = TOLERANCE,
    limits: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Predicted against actual rate for each target.

    No bin is called off where the customers of a target are too few to judge, nor for the chance
    that lies in a prevalence of few training rows.

    Parameters
    ----------
    scored
        One row per customer and target whose outcome is known: ``target``, ``model_id``,
        ``probability``, ``label``.
    models
        ``ml_propensity_models``: ``model_id``, ``algorithm``, ``trained_rows``.
    bins, tolerance
        As in ``reliability_table``.
    limits
        As in ``judge_groups``; ``rows`` counts.

    Returns
    -------
    pandas.DataFrame
        Columns of ``RELIABILITY_SCHEMA``.
    """

    used = {**GROUP_LIMITS, **(limits or {})}
    learned = {}
    if models is not None:
        alone = models[models["algorithm"] == PREVALENCE]
        learned = dict(zip(alone["model_id"], alone["trained_rows"], strict=True))

    def table(part: pd.DataFrame, money: Mapping[str, float]) -> pd.DataFrame:
        found = reliability_table(
            part["label"],
            part["probability"],
            bins=bins,
            tolerance=tolerance,
            learned_rows=learned.get(part["model_id"].iloc[0]),
        )
        return found.assign(is_off=found["is_off"] & (len(part) >= used["rows"]))

    return _by_target(scored, None, table, RELIABILITY_SCHEMA)


def judge_gains(scored: pd.DataFrame, targets: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """What each tenth of the customers held, for each target.

    Parameters
    ----------
    scored
        As in ``judge_reliability``.
    targets
        The seed ``propensity_targets``: ``target``, ``contact_cost``, ``hit_gain``.
    seed
        Of the bootstrap intervals.

    Returns
    -------
    pandas.DataFrame
        Columns of ``GAINS_SCHEMA``.
    """

    def table(part: pd.DataFrame, money: Mapping[str, float]) -> pd.DataFrame:
        return gain_table(part["label"], part["probability"], seed=seed, **money)

    return _by_target(scored, targets, table, GAINS_SCHEMA)


def judge_profits(
    scored: pd.DataFrame, targets: pd.DataFrame, *, least_customers: int = 10, seed: int = 0
) -> pd.DataFrame:
    """What contacting the most likely share would have earned, a row per percent and target.

    Parameters
    ----------
    scored, targets
        As in ``judge_gains``. A target without cost or gain has null profits.
    least_customers
        Two points next to each other are at least so many customers apart, or their difference
        would tell of fewer: the curve then has a point per 2, 4, 5, ... percent.
    seed
        Of the bootstrap intervals.

    Returns
    -------
    pandas.DataFrame
        Columns of ``PROFITS_SCHEMA``.
    """

    def table(part: pd.DataFrame, money: Mapping[str, float]) -> pd.DataFrame:
        points = max((n for n in _STEPS if len(part) >= n * least_customers), default=1)
        return profit_curve(part["label"], part["probability"], points=points, seed=seed, **money)

    return _by_target(scored, targets, table, PROFITS_SCHEMA)


def judge_all_groups(
    scored: pd.DataFrame,
    targets: pd.DataFrame,
    attributes: pd.DataFrame,
    segments: pd.DataFrame,
    *,
    fairness: Sequence[str] = ("gender", "age_band", "region"),
    limits: Mapping[str, float] | None = None,
    least_customers: int = 10,
) -> pd.DataFrame:
    """For whom each champion is good: by segment, and by what people are.

    Parameters
    ----------
    scored
        As in ``judge_reliability``, with ``customer_key``.
    targets
        As in ``judge_gains``.
    attributes
        ``customer_key`` and a text column for each name of ``fairness``.
    segments
        ``customer_key`` and ``segment_id`` at the cutoff the scores are of; without a row there is
        no judgement by segment.
    fairness
        Attributes by which equal treatment is asked for.
    limits
        As in ``judge_groups``.
    least_customers
        No figure is of fewer hits or misses than this, whatever the limits.

    Returns
    -------
    pandas.DataFrame
        Columns of ``GROUPS_SCHEMA``.
    """
    by = list(fairness)
    absent = [name for name in by if name not in attributes.columns]
    if absent:
        raise SegmentationError(
            f"fairness_attributes names {absent}, which are no columns of int_customer_attributes"
        )
    used = {**GROUP_LIMITS, **(limits or {})}
    used["hits"] = max(used["hits"], least_customers)
    known = scored.merge(attributes[["customer_key", *by]], on="customer_key", how="left")
    if len(segments):
        own = segments[["customer_key"]].assign(segment=segments["segment_id"].astype(str))
        known = known.merge(own, on="customer_key", how="left")
        by = ["segment", *by]

    def table(part: pd.DataFrame, money: Mapping[str, float]) -> pd.DataFrame:
        return judge_groups(part, attributes=by, fairness=fairness, limits=used, **money)

    return _by_target(known, targets, table, GROUPS_SCHEMA)


def _by_target(
    scored: pd.DataFrame,
    targets: pd.DataFrame | None,
    table: Callable[[pd.DataFrame, Mapping[str, float]], pd.DataFrame],
    schema: Schema,
) -> pd.DataFrame:
    """One table per target and model, one under the other."""
    parts = [
        table(part, money).assign(target=target, model_id=model_id)
        for target, model_id, part, money in _each(scored, targets)
    ]
    return pd.concat(parts)[list(schema)] if parts else pd.DataFrame(columns=list(schema))


def _each(
    scored: pd.DataFrame, targets: pd.DataFrame | None
) -> Iterator[tuple[str, str, pd.DataFrame, dict[str, float]]]:
    costs = {} if targets is None else targets.set_index("target")[["contact_cost", "hit_gain"]]
    known = scored[scored["label"].notna()]
    for (target, model_id), part in known.groupby(["target", "model_id"], sort=True):
        money = dict.fromkeys(("contact_cost", "hit_gain"))
        if targets is not None and target in costs.index:
            money = costs.loc[target].astype(float).to_dict()
        yield target, model_id, part, money
