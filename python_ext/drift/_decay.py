"""Whether the champions still do as well as at their promotion, now that labels have matured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from python_ext.features import text_or
from python_ext.frames import Schema

SPLIT = "out_of_time"
# Whether more is better (1) or worse (-1).
DIRECTIONS = {
    "auc": 1,
    "gain_over_prevalence": 1,
    "log_loss": -1,
    "calibration_error_debiased": -1,
}
# Of a log loss more is no decay where the event itself became less predictable: a rate nearer to
# one half is enough. The gain over the prevalence of the same rows says whether it is.
ALARMING = ("auc", "calibration_error_debiased")
# Chance to take noise for a decay, one-sided.
CHANCE = 0.01
INTERVAL = 0.95

DECAY_SCHEMA = Schema(
    {
        "target": "string",
        "as_of_date": "date",
        "metric": "string",
        "model_id": "string",
        "algorithm": "string",
        "promoted_on": "date",
        "test_rows": "bigint",
        "value_at_promotion": "double",
        "low_at_promotion": "double",
        "high_at_promotion": "double",
        "value": "double",
        "ci_low": "double",
        "ci_high": "double",
        "worse_by": "double",
        "noise": "double",
        "is_latest": "boolean",
        "verdict": "string",
        "is_alarm": "boolean",
    },
    key=("target", "as_of_date", "metric"),
)


def list_decay(models: pd.DataFrame, *, as_of: date) -> list[dict[str, Any]]:
    """Rows of ``ml_model_decay``: the champion of each run, beside its own figures at promotion.

    A run judges its champion on the test cutoff, one horizon back, whose labels are complete on the
    day of the run. So the figures of a run are the first that could be had of those customers, and
    are never revised.

    Parameters
    ----------
    models
        ``ml_propensity_models``; runs later than ``as_of`` are left out.
    as_of
        The day.

    Returns
    -------
    list of dict
        Columns of ``DECAY_SCHEMA``. ``worse_by`` is positive where the figure got worse; it counts
        as decay where it exceeds ``noise``, what the two intervals together allow. Windows of runs
        closer than a horizon overlap, so that noise is rather over- than understated.
    """
    runs = models.assign(as_of_date=pd.to_datetime(models["as_of_date"]))
    runs = runs[runs["as_of_date"] <= pd.Timestamp(as_of)]
    champions = runs[runs["is_champion"].astype(bool)]
    latest = champions.groupby("target")["as_of_date"].max()
    rows = []
    for run in champions.sort_values(["target", "as_of_date"]).to_dict("records"):
        first = _at_promotion(run, runs)
        before, now = _figures(first["metrics"]), _figures(run["metrics"])
        for metric in sorted(set(DIRECTIONS) & set(before) & set(now)):
            rows.append(
                {
                    "target": run["target"],
                    "as_of_date": run["as_of_date"].date(),
                    "metric": metric,
                    "model_id": run["model_id"],
                    "algorithm": run["algorithm"],
                    "promoted_on": first["as_of_date"].date(),
                    "test_rows": run["test_rows"],
                    "is_latest": run["as_of_date"] == latest[run["target"]],
                    **compare_figures(
                        metric,
                        before[metric],
                        now[metric],
                        is_promotion=first["as_of_date"] == run["as_of_date"],
                    ),
                }
            )
    return rows


def compare_figures(
    metric: str, before: Mapping[str, float], now: Mapping[str, float], *, is_promotion: bool
) -> dict[str, Any]:
    """Two figures with their 95 % intervals, and the verdict.

    Parameters
    ----------
    before, now
        ``value``, ``ci_low`` and ``ci_high``. The longer side of the interval over 1.96 is taken
        for the standard error (that of a calibration error ends at zero), the two samples for
        independent.
    is_promotion
        Both are the same.
    """
    worse_by = DIRECTIONS[metric] * (before["value"] - now["value"])
    z = float(norm.isf((1 - INTERVAL) / 2))
    errors = [
        max(figure["ci_high"] - figure["value"], figure["value"] - figure["ci_low"]) / z
        for figure in (before, now)
    ]
    noise = float(norm.isf(CHANCE) * np.hypot(*errors))
    if is_promotion:
        verdict = "at_promotion"
    elif not np.isfinite([worse_by, noise]).all():
        verdict = "unknown"
    elif abs(worse_by) <= noise:
        verdict = "as_before"
    else:
        verdict = "decayed" if worse_by > 0 else "improved"
    return {
        "value_at_promotion": before["value"],
        "low_at_promotion": before["ci_low"],
        "high_at_promotion": before["ci_high"],
        **now,
        "worse_by": worse_by,
        "noise": noise,
        "verdict": verdict,
        "is_alarm": verdict == "decayed" and metric in ALARMING,
    }


def _at_promotion(run: Mapping[str, Any], runs: pd.DataFrame) -> Mapping[str, Any]:
    """The row of the run in which the model became champion; its first one if that is unknown."""
    own = runs[(runs["target"] == run["target"]) & (runs["model_id"] == run["model_id"])]
    own = own[own["as_of_date"] <= run["as_of_date"]].sort_values("as_of_date")
    promoted = pd.to_datetime(pd.Series([run.get("promoted_on")])).iloc[0]
    at = own[own["as_of_date"] == promoted]
    return (at if len(at) else own).iloc[0].to_dict()


def _figures(metrics: Any) -> dict[str, dict[str, float]]:
    """Out-of-time figures by name, from their JSON; what is not known is NaN."""
    listed = json.loads(text_or(metrics, "[]"))
    return {
        figure["metric"]: {
            name: np.nan if figure.get(name) is None else float(figure[name])
            for name in ("value", "ci_low", "ci_high")
        }
        for figure in listed
        if figure["split"] == SPLIT
    }
