"""Champions at work: probabilities with their drivers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd
from threadpoolctl import threadpool_limits

from python_ext.features import Feature
from python_ext.frames import Schema
from python_ext.imputation import FeatureImputer
from python_ext.propensity._artefact import PropensityModel
from python_ext.propensity._drivers import DRIVERS, driver_texts
from python_ext.propensity._memory import champion_rows, read_champion

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


@dataclass(frozen=True)
class Champions:
    """The chosen model of each target."""

    models: dict[str, PropensityModel]

    @classmethod
    def load(cls, rows: pd.DataFrame, *, as_of: date | None = None) -> Champions:
        """Read the champions out of the rows of ``ml_propensity_models``.

        Parameters
        ----------
        rows
            Of all runs.
        as_of
            Runs of later dates are not looked at; the latest run counts if not given.

        Raises
        ------
        ArtefactError
            If a target has more than one champion, or an artefact is refused.
        """
        chosen = champion_rows(rows, as_of=as_of).to_dict("records")
        models = {row["target"]: read_champion(row) for row in chosen}
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
