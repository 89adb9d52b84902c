"""Champions at work: probabilities with their drivers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from python_ext.features import Feature
from python_ext.frames import Schema
from python_ext.imputation import FeatureImputer
from python_ext.propensity._artefact import PropensityModel
from python_ext.propensity._drivers import DRIVER_COLUMNS, top_drivers
from python_ext.propensity._importance import list_importances
from python_ext.propensity._memory import champion_rows, read_champion
from python_ext.propensity._shapley import Explainer, Explanation, probability_of

SCORES_SCHEMA = Schema(
    {
        "customer_key": "string",
        "target": "string",
        "cutoff_name": "string",
        "probability": "double",
        "log_odds": "double",
        **DRIVER_COLUMNS,
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

    @cached_property
    def explainers(self) -> dict[str, Explainer]:
        """By target: what explaining needs, made once for all batches."""
        return {target: Explainer(model) for target, model in self.models.items()}

    def importances(
        self, rows: pd.DataFrame, examples: pd.DataFrame, *, seed: int = 42
    ) -> pd.DataFrame:
        """What each champion owes to its features; as ``list_importances``."""
        return list_importances(self.models, rows, examples, seed=seed)

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
                    parts.append(_score(model, self.explainers[target], rows))
        return pd.concat(parts) if parts else pd.DataFrame(columns=list(SCORES_SCHEMA))


def _score(model: PropensityModel, explainer: Explainer, rows: pd.DataFrame) -> pd.DataFrame:
    """Probability and drivers of rows of one target, from one encoding of them."""
    scored = rows[["customer_key", "target", "cutoff_name"]].assign(model_id=model.model_id)
    if model.pipeline is None:
        scored["probability"], scored["log_odds"] = model.prevalence, explainer.base
        explanation = Explanation([], explainer.base, np.zeros((len(rows), 0)))
    else:
        encoded = explainer.encode(rows)
        scored["log_odds"] = explainer.log_odds(encoded)
        scored["probability"] = probability_of(model, scored["log_odds"].to_numpy())
        explanation = explainer.explain(encoded)
    return scored.join(top_drivers(explanation, rows, model.features))[list(SCORES_SCHEMA)]
