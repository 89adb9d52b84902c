"""Trained models to an MLflow server where one is asked for; no build fails for it."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

ADDRESS = "MLFLOW_TRACKING_URI"
EXPERIMENT = "customer_segmentation"


def log_run(rows: Sequence[Mapping[str, Any]], *, as_of: date) -> int:
    """Log every model trained on this date: settings, figures, and the artefact of the champion.

    Only with ``MLFLOW_TRACKING_URI`` in the environment. Nothing about a person is logged: a row
    of the registry holds settings and figures, and an artefact that keeps rows of customers (the
    neighbours that ``knn`` fills gaps with) stays here.

    Parameters
    ----------
    rows
        Rows of ``MODELS_SCHEMA``.

    Returns
    -------
    int
        Models logged.
    """
    if not os.environ.get(ADDRESS):
        return 0
    trained = [row for row in rows if row["trained_on"] == as_of and row["decision"] == "trained"]
    try:
        import mlflow
    except ImportError:
        warnings.warn(
            f"{ADDRESS} is set, but mlflow is not installed: the models are stored in the "
            "warehouse and not logged. Install the extra: pip install "
            "'customer-segmentation[mlflow]'.",
            stacklevel=2,
        )
        return 0
    try:
        mlflow.set_experiment(EXPERIMENT)
        for row in trained:
            _log_model(mlflow, row)
    except Exception as error:  # whatever a server does, the build goes on
        # Not its message: that may hold the address, and with it a password.
        warnings.warn(
            f"the models could not be logged to MLflow ({type(error).__name__}); they are stored "
            f"in the warehouse. See whether the server of {ADDRESS} can be reached.",
            stacklevel=2,
        )
        return 0
    return len(trained)


def _log_model(mlflow: Any, row: Mapping[str, Any]) -> None:
    parameters = json.loads(row["parameters"])
    parameters["dropped"] = len(parameters.get("dropped", {}))
    names = ("target", "algorithm", "model_id", "trained_rows", "test_rows")
    tags = ("role", "decision_reason", "reason", "data_fingerprint", "code_fingerprint")
    with mlflow.start_run(run_name=f"{row['target']} {row['algorithm']} {row['trained_on']}"):
        mlflow.log_params({**{name: row[name] for name in names}, **parameters})
        mlflow.set_tags({name: row[name] for name in (*tags, "artefact_sha256")})
        mlflow.log_metrics(
            {
                f"{figure['split']}_{figure['metric']}": figure["value"]
                for figure in json.loads(row["metrics"])
                if figure["value"] is not None
            }
        )
        if row["is_champion"] and not _keeps_customers(row):
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / f"{row['model_id']}.skops"
                file.write_bytes(row["artefact"])
                mlflow.log_artifact(str(file))


def _keeps_customers(row: Mapping[str, Any]) -> bool:
    return any(feature["imputation"] == "knn" for feature in json.loads(row["features"]))
