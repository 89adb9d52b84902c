"""The figures of a run as one long table."""

from __future__ import annotations

import json
from datetime import date

import pandas as pd

from python_ext.frames import Schema
from python_ext.propensity._memory import last_run

METRICS_SCHEMA = Schema(
    {
        "model_id": "string",
        "target": "string",
        "algorithm": "string",
        "role": "string",
        "is_champion": "boolean",
        "split": "string",
        "metric": "string",
        "value": "double",
        "ci_low": "double",
        "ci_high": "double",
    },
    key=("target", "model_id", "split", "metric"),
)


def list_metrics(models: pd.DataFrame, *, as_of: date | None = None) -> pd.DataFrame:
    """The figures of all models of the latest run as one long table.

    Parameters
    ----------
    models
        Rows of ``ml_propensity_models``; ``metrics`` is the JSON text written there.
    as_of
        Runs of later dates are not looked at; the latest run counts if not given.

    Returns
    -------
    pandas.DataFrame
        Columns of ``METRICS_SCHEMA``, one row per model, split and metric.
    """
    names = ["model_id", "target", "algorithm", "role", "is_champion"]
    rows = [
        {**{name: row[name] for name in names}, **figure}
        for row in last_run(models, as_of=as_of).to_dict("records")
        for figure in json.loads(row["metrics"])
    ]
    return pd.DataFrame(rows, columns=list(METRICS_SCHEMA))
