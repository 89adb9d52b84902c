"""Whether customers bought as often as expected, by how often they had bought before."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from python_ext.frames import Schema
from python_ext.lifetime_value._bg_nbd import bg_nbd_expected_purchases
from python_ext.lifetime_value._pareto_nbd import pareto_nbd_expected_purchases

# The last group holds this many repeat purchases and more, as in the published plot.
LAST_GROUP = 7
MODELS = {"bg_nbd": bg_nbd_expected_purchases, "pareto_nbd": pareto_nbd_expected_purchases}

CALIBRATION_SCHEMA = Schema(
    {
        "model": "string",
        "frequency_group": "bigint",
        "frequency_label": "string",
        "customers": "bigint",
        "actual_purchases": "double",
        "actual_low": "double",
        "actual_high": "double",
        "expected_purchases": "double",
    },
    key=("model", "frequency_group"),
)


def calibrate_purchases(x, actual, expected, *, model: str) -> pd.DataFrame:
    """Mean actual and expected purchases of a holdout period, by repeat purchases before it.

    Parameters
    ----------
    x : array_like
        Repeat purchases of the calibration period.
    actual, expected : array_like
        Purchases of the holdout period.
    model : str
        Name of the model that expects.

    Returns
    -------
    pandas.DataFrame
        Rows of ``CALIBRATION_SCHEMA``; the interval is 1.96 standard errors of the mean. Groups
        of nobody are left out.
    """
    rows = pd.DataFrame(
        {
            "frequency_group": np.minimum(np.asarray(x, dtype=float), LAST_GROUP).astype(int),
            "actual": np.asarray(actual, dtype=float),
            "expected": np.asarray(expected, dtype=float),
        }
    )
    grouped = rows.groupby("frequency_group", sort=True)
    table = grouped.agg(
        customers=("actual", "size"),
        actual_purchases=("actual", "mean"),
        spread=("actual", "std"),
        expected_purchases=("expected", "mean"),
    ).reset_index()
    noise = 1.96 * table.pop("spread") / np.sqrt(table["customers"])
    return table.assign(
        model=model,
        frequency_label=[
            f"{group}+" if group == LAST_GROUP else str(group) for group in table["frequency_group"]
        ],
        actual_low=np.maximum(table["actual_purchases"] - noise, 0),
        actual_high=table["actual_purchases"] + noise,
    )[list(CALIBRATION_SCHEMA)]


def calibrate_lifetimes(
    customers: pd.DataFrame, models: pd.DataFrame, *, horizon_weeks: float
) -> pd.DataFrame:
    """The holdout table of each model that could be fitted at the test cutoff.

    Parameters
    ----------
    customers : pandas.DataFrame
        Histories ``x``, ``t_x``, ``t`` (weeks) before the test cutoff, and the ``purchases`` of
        the horizon after it.
    models : pandas.DataFrame
        ``ml_lifetime_models``.
    horizon_weeks : float
        Length of the horizon.
    """
    # A table has no order, and a mean depends on it in the last digits.
    customers = customers.sort_values(["x", "t_x", "t", "purchases"])
    parts = [pd.DataFrame(columns=list(CALIBRATION_SCHEMA))]
    at_test = models[(models["cutoff_name"] == "test") & models["converged"].astype(bool)]
    for row in at_test[at_test["model"].isin(MODELS)].sort_values("model").itertuples():
        parameters = tuple(json.loads(row.parameters).values())
        history = (customers[name].to_numpy(dtype=float) for name in ("x", "t_x", "t"))
        expected = MODELS[row.model](parameters, horizon_weeks, *history)
        parts.append(
            calibrate_purchases(customers["x"], customers["purchases"], expected, model=row.model)
        )
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else parts[0]
