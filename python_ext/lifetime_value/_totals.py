"""What models of revenue promised in all, beside what came."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from python_ext.frames import Schema

TOTALS_SCHEMA = Schema(
    {
        "as_of_date": "date",
        "model": "string",
        "expected_total": "double",
        "actual_total": "double",
        "total_ratio": "double",
        "total_ratio_low": "double",
        "total_ratio_high": "double",
    },
    key=("as_of_date", "model"),
)


def sum_up_promises(models: pd.DataFrame) -> pd.DataFrame:
    """The sums over the customers of each run's test cutoff, of the models of revenue.

    Parameters
    ----------
    models : pandas.DataFrame
        ``ml_value_models``: its figures of each run, those of older versions too, tell the sums.

    Returns
    -------
    pandas.DataFrame
        Columns of ``TOTALS_SCHEMA``: ``expected_total`` and ``actual_total`` in the base currency,
        ``total_ratio`` (expected over actual) with the 95 % bootstrap interval over customers.
        No row for a run without an outcome; no ratio where nothing was spent in all, refunds
        taken off.
    """
    rows = [_sums(row) for row in models.to_dict("records") if row["predicts"] == "revenue"]
    return pd.DataFrame([row for row in rows if row], columns=list(TOTALS_SCHEMA))


def _sums(row: dict[str, Any]) -> dict[str, Any] | None:
    figures = {figure["metric"]: figure for figure in json.loads(row["metrics"])}
    if not {"mean_actual", "mean_predicted", "bias"} <= set(figures):
        return None
    customers, bias = int(row["test_rows"]), figures["bias"]
    # The bias is what all predictions are too high, as a share of what came: one less the ratio.
    is_ratio = figures["mean_actual"]["value"] > 0
    ratio, low, high = (
        1 + bias[end] if is_ratio and bias[end] is not None else None
        for end in ("value", "ci_low", "ci_high")
    )
    return {
        "as_of_date": row["as_of_date"],
        "model": row["model"],
        "expected_total": customers * figures["mean_predicted"]["value"],
        "actual_total": customers * figures["mean_actual"]["value"],
        "total_ratio": ratio,
        "total_ratio_low": low,
        "total_ratio_high": high,
    }
