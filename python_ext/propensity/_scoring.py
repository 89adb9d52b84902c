"""Champions at work: probabilities with their drivers, and the long table of figures."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pandas as pd
from threadpoolctl import threadpool_limits

from python_ext.features import Feature
from python_ext.frames import Schema
from python_ext.imputation import FeatureImputer
from python_ext.propensity._artefact import ArtefactError, PropensityModel, read_artefact
from python_ext.propensity._drivers import DRIVERS, driver_texts

SCORES_SCHEMA = Schema(
    {
        "customer_key": "string",
        "target": "string",
        "cutoff_name": "string",
        "probability": "double",
        **{f"driver_{rank}": "string" for rank in range(1, DRIVERS + 1)},
        **{f"driver_{rank}_effect": "double" for rank in range(1, DRIVERS + 1)},
        "model_id": "string",
    },
    key=("customer_key", "target", "cutoff_name"),
)

METRICS_SCHEMA = Schema(
    {
        "model_id": "string",
        "target": "string",
        "algorithm": "string",
        "is_champion": "boolean",
        "split": "string",
        "metric": "string",
        "value": "double",
        "ci_low": "double",
        "ci_high": "double",
    },
    key=("target", "algorithm", "split", "metric"),
)


@dataclass(frozen=True)
class Champions:
    """The chosen model of each target."""

    models: dict[str, PropensityModel]

    @classmethod
    def load(cls, rows: pd.DataFrame) -> Champions:
        """Read the champions out of the rows of ``ml_propensity_models``.

        Raises
        ------
        ArtefactError
            If a target has not exactly one champion, or an artefact is refused.
        """
        models: dict[str, PropensityModel] = {}
        for row in rows[rows["is_champion"].astype(bool)].to_dict("records"):
            if row["target"] in models:
                raise ArtefactError(f"target {row['target']} has more than one champion")
            model = read_artefact(row["artefact"], sha256=row["artefact_sha256"])
            if model.model_id != row["model_id"]:
                raise ArtefactError(f"the artefact of {row['model_id']} is of {model.model_id}")
            models[row["target"]] = model
        return cls(models)

    @property
    def imputations(self) -> dict[str, tuple[list[Feature], FeatureImputer] | None]:
        """By target: the features with what stands in for their unknown values."""
        return {target: model.imputation for target, model in self.models.items()}

    def score(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Score a batch.

        Parameters
        ----------
        frame
            One row per customer, cutoff and target: ``customer_key``, ``cutoff_name``,
            ``target`` and the feature columns. Rows of a target without a model, or whose model
            never saw a label, are left out: nothing is known about them.

        Returns
        -------
        pandas.DataFrame
            Columns of ``SCORES_SCHEMA``.
        """
        parts = []
        # One thread: the batches are small, and a second thread would mostly wait.
        with threadpool_limits(1):
            for target, model in self.models.items():
                rows = frame[frame["target"] == target]
                if len(rows) and model.prevalence == model.prevalence:
                    scored = rows.assign(probability=model.score(rows), model_id=model.model_id)
                    parts.append(scored.join(driver_texts(model, rows))[list(SCORES_SCHEMA)])
        return pd.concat(parts) if parts else pd.DataFrame(columns=list(SCORES_SCHEMA))


def list_metrics(models: pd.DataFrame) -> pd.DataFrame:
    """The figures of all models as one long table.

    Parameters
    ----------
    models
        Rows of ``ml_propensity_models``; ``metrics`` is the JSON text written there.

    Returns
    -------
    pandas.DataFrame
        Columns of ``METRICS_SCHEMA``, one row per model, split and metric.
    """
    names = ["model_id", "target", "algorithm", "is_champion"]
    rows = [
        {**{name: row[name] for name in names}, **figure}
        for row in models.to_dict("records")
        for figure in json.loads(row["metrics"])
    ]
    return pd.DataFrame(rows, columns=list(METRICS_SCHEMA))
